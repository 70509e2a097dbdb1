import { type AccessRule, problemOfFilter } from '../../src/access/access-rule.ts'
import { placeholdersIn } from '../../src/access/placeholders.ts'

/** A line that cannot be read, or the number of rules. */
export interface AclProblem {
  /** From 1. */
  readonly line: number
  readonly message: string
}

/** The rules of a file, in the order in which they are asked, or what is wrong with it. */
export type ParsedAcl =
  | { readonly rules: readonly AccessRule[]; readonly problems?: undefined }
  | { readonly rules?: undefined; readonly problems: readonly AclProblem[] }

/** What follows `topic` and `pattern`, with the actions that a rule then has. */
const accesses: ReadonlyMap<string, Pick<AccessRule, 'action' | 'allow'>> = new Map<
  string,
  Pick<AccessRule, 'action' | 'allow'>
>([
  ['read', { action: 'subscribe', allow: true }],
  ['write', { action: 'publish', allow: true }],
  ['readwrite', { action: 'all', allow: true }],
  ['deny', { action: 'all', allow: false }],
])

/** mosquitto reserves these topics: a file cannot allow them. */
const SERVER_RULE: AccessRule = { action: 'publish', filter: '$SYS/#', allow: false, isLiteral: true }

/**
 * Reads an ACL file of mosquitto. mosquitto asks the lines of the user first, then the patterns, and in each of the two those that
 * deny before the others.
 * @returns the rules, or every line that cannot be read.
 */
export const parseAcl = (text: string, maximumRules = Number.POSITIVE_INFINITY): ParsedAcl => {
  const reader = new AclReader()
  let number = 0
  for (const line of text.split('\n')) {
    number += 1
    const message = reader.read(line)
    if (message !== undefined) reader.problems.push({ line: number, message })
    if (reader.count > maximumRules) {
      reader.problems.push({ line: number, message: `the file has more rules than maximumRules: ${maximumRules}` })
      break
    }
  }
  return reader.problems.length > 0 ? { problems: reader.problems } : { rules: reader.rules }
}

class AclReader {
  readonly problems: AclProblem[] = []
  readonly #topics: AccessRule[] = []
  readonly #patterns: AccessRule[] = []
  /** Of the last line with `user`; undefined before the first: those lines are for clients without a user name. */
  #user: string | undefined

  get count(): number {
    return this.#topics.length + this.#patterns.length
  }

  get rules(): readonly AccessRule[] {
    return [SERVER_RULE, ...deniesFirst(this.#topics), ...deniesFirst(this.#patterns)]
  }

  /** Takes a line. @returns what is wrong with it, or undefined. */
  read(raw: string): string | undefined {
    // Only a `#` at the very beginning makes a comment.
    if (raw.startsWith('#')) return undefined
    const line = raw.trimEnd()
    if (line.includes('\u{0}')) return 'the line holds a NUL character'
    const [word, rest] = firstWord(line)
    if (word === '') return undefined
    if (word === 'user') return this.#readUser(rest)
    if (word === 'topic' || word === 'pattern') return this.#readRule(word, rest)
    return `'${shorten(word)}' is not topic, user or pattern`
  }

  #readUser(rest: string): string | undefined {
    const user = rest.trim()
    if (user === '') return 'a user name is missing'
    this.#user = user
    return undefined
  }

  #readRule(kind: 'topic' | 'pattern', rest: string): string | undefined {
    const [first, behind] = firstWord(rest)
    if (first === '') return 'a topic is missing'
    // One word alone is a topic, `read` too; the topic may hold spaces behind a word for the access.
    const filter = behind === '' ? first : behind.trim()
    const access = accesses.get(behind === '' ? 'readwrite' : first)
    if (access === undefined) return `'${shorten(first)}' is not read, write, readwrite or deny`
    const isLiteral = kind === 'topic'
    const problem = problemOfFilter(filter, true) ?? (isLiteral ? undefined : problemOfPattern(filter))
    if (problem !== undefined) return problem
    if (isLiteral) this.#topics.push({ ...access, filter, isLiteral, ...this.#client })
    else this.#patterns.push({ ...access, filter, plainNames: true })
    return undefined
  }

  get #client(): Pick<AccessRule, 'user' | 'anonymous'> {
    return this.#user === undefined ? { anonymous: true } : { user: this.#user }
  }
}

/** The first word, and the text after its space. Leading spaces are skipped. A tab does not count as a space, as in mosquitto. */
const firstWord = (text: string): readonly [string, string] => {
  const start = text.search(/[^ ]/)
  if (start === -1) return ['', '']
  const end = text.indexOf(' ', start)
  return end === -1 ? [text.slice(start), ''] : [text.slice(start, end), text.slice(end + 1)]
}

/** `%c` and `%u` must each be the only text of a level. `%{name}` is not a placeholder of mosquitto. */
const problemOfPattern = (filter: string): string | undefined => {
  const level = filter.split('/').find((each) => placeholdersIn(each) > 0 && each !== '%c' && each !== '%u')
  return level === undefined ? undefined : `%c and %u must be the only text of a level: '${shorten(level)}'`
}

const deniesFirst = (rules: readonly AccessRule[]): readonly AccessRule[] => [
  ...rules.filter(({ allow }) => !allow),
  ...rules.filter(({ allow }) => allow),
]

const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text)
