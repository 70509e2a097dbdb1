/** Tab completion over the system map, which Node's own leaves out because the map is a proxy. */

/** The result of a completer for readline: the candidates, and the part of the line that they replace. */
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
    // Two or more candidates are listed. A single candidate replaces the typed text and has to begin with it.
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
 * Puts the names of the prompt's commands before all other candidates. For an empty line only these are listed, since Node's
 * names fill a screen.
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
 * The names of all properties except those that every object has: own properties first, then those of its class, then those of
 * the class that it extends. The values are not read, since a getter may have effects.
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
