/** Tab completion over the system map, which Node's own leaves out because the map is a proxy. */

/** What readline wants of a completer: the candidates, and the part of the line that they replace. */
export type Completion = [candidates: string[], replaced: string]

/**
 * Completes `system.`, `system['` and `system.server.`.
 * @param map the running components by name.
 * @returns undefined when the line ends in nothing of the kind.
 */
export const completeSystem = (line: string, map: Readonly<Record<string, unknown>>): Completion | undefined => {
  const names = Object.keys(map)
  const [, typed] = /(?:^|[^\w$.])system\.([\w$]*)$/.exec(line) ?? []
  if (typed !== undefined) {
    // A name that is no identifier is written in brackets.
    const fitting = names.filter((name) => name.startsWith(typed))
    const candidates = fitting.filter(isIdentifier).map((name) => `system.${name}`)
    const bracketed = fitting.filter((name) => !isIdentifier(name)).map((name) => `system['${name}']`)
    // Two candidates at least are listed; a single one replaces what is typed, which it has to begin with.
    return [candidates.length + bracketed.length > 1 ? [...candidates, ...bracketed] : candidates, `system.${typed}`]
  }
  const [, quote, begun] = /(?:^|[^\w$.])system\[(['"])([\w-]*)$/.exec(line) ?? []
  if (quote !== undefined && begun !== undefined) {
    const fitting = names.filter((name) => name.startsWith(begun))
    return [fitting.map((name) => `system[${quote}${name}${quote}]`), `system[${quote}${begun}`]
  }
  return completeComponent(line, map)
}

/**
 * Puts the names of the prompt's own commands before all others that a word may become. An empty line gets these alone: Node's are
 * a screenful.
 * @param completion what Node offers.
 */
export const ownNamesFirst = (
  line: string,
  names: readonly string[],
  completion: Completion | undefined,
): Completion | undefined => {
  if (line.trim() === '') return [[...names], '']
  const [, word] = /(?:^|[^\p{ID_Continue}$.'"`])([\p{ID_Start}$_][\p{ID_Continue}$]*)$/u.exec(line) ?? []
  const own = word === undefined ? [] : names.filter((name) => name.startsWith(word))
  if (completion === undefined || own.length === 0) return completion
  const others = completion[0].filter((candidate) => !own.includes(candidate))
  // An empty candidate is how Node's REPL writes a gap between groups.
  return [[...own, ...(others.length > 0 ? ['', ...others] : [])], word!]
}

const completeComponent = (line: string, map: Readonly<Record<string, unknown>>): Completion | undefined => {
  const member = /(?:^|[^\w$.])(system(?:\.([\w$]+)|\[['"]([\w-]+)['"]\])\.)([\w$]*)$/.exec(line)
  const name = member?.[2] ?? member?.[3]
  if (member === null || name === undefined || !Object.keys(map).includes(name)) return undefined
  const [, expression, , , typed = ''] = member
  const properties = propertiesOf(map[name]).filter((property) => property.startsWith(typed) && isIdentifier(property))
  return [properties.map((property) => `${expression}${property}`), `${expression}${typed}`]
}

/**
 * The names of all properties but those that every object has: those of its own first, then those of its class, then those of the
 * class that it extends. Reads none of them: a getter may do anything.
 */
const propertiesOf = (value: unknown): string[] => {
  const names = new Set<string>()
  let holder: unknown = value
  while (
    (typeof holder === 'object' || typeof holder === 'function') &&
    holder !== null &&
    holder !== Object.prototype
  ) {
    for (const name of Object.getOwnPropertyNames(holder).sort()) if (name !== 'constructor') names.add(name)
    holder = Object.getPrototypeOf(holder)
  }
  return [...names]
}

const isIdentifier = (name: string): boolean => /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
