import type { Identity } from '../kinds/authorizer.ts'

/** `%c`, `%u` and `%{name}`, kept by `split`. */
const placeholder = /(%[cu]|%\{[^{}]+\})/

/** How many placeholders stand in a filter or in a level of it. */
export const placeholdersIn = (text: string): number => (text.split(placeholder).length - 1) / 2

/** A level of a filter with one placeholder: `d-%c`. */
export interface NamedLevel {
  readonly before: string
  /** `%c`, `%u` or `%{name}`. */
  readonly placeholder: string
  readonly after: string
}

/** Takes a level of a filter apart. @returns undefined when it holds no placeholder. */
export const namedLevel = (level: string): NamedLevel | undefined => {
  const [before, found, after] = level.split(placeholder)
  return found === undefined ? undefined : { before: before!, placeholder: found, after: after! }
}

/** Whether the client has no user name. */
export const isAnonymous = ({ userName }: Identity): boolean => isNone(userName)

/** An empty name counts as no name. */
const isNone = (name: string | undefined): name is undefined | '' => name === undefined || name === ''

/** A name of a client that a placeholder stands for. */
interface Name {
  readonly text: string
  /** It holds no character that means something in a filter. */
  readonly isPlain: boolean
  /** It begins with `$`: as the first level it would lead to the topics of the server. */
  readonly isDollar: boolean
}

/** The names of one client. */
export class Names {
  readonly #identity: Identity
  readonly #client: Name | undefined
  readonly #user: Name | undefined
  #values: Map<string, Name | undefined> | undefined

  constructor(identity: Identity) {
    this.#identity = identity
    this.#client = nameOf(identity.clientId)
    this.#user = nameOf(identity.userName)
  }

  /** Whether neither the Client Identifier nor the user name has a wildcard character. */
  get arePlain(): boolean {
    const { clientId, userName } = this.#identity
    return !/[+#]/.test(clientId) && !(userName !== undefined && /[+#]/.test(userName))
  }

  /** The name that replaces a placeholder; undefined when the client has none. */
  of(placeholder: string): Name | undefined {
    if (placeholder === '%c') return this.#client
    if (placeholder === '%u') return this.#user
    this.#values ??= new Map()
    if (!this.#values.has(placeholder)) this.#values.set(placeholder, this.#valueOf(placeholder.slice(2, -1)))
    return this.#values.get(placeholder)
  }

  /**
   * The text of a level for this client.
   * @param isFirst whether it is the first level of its filter.
   * @returns undefined when the client has no such name, or the name cannot stand there.
   */
  fill({ before, placeholder, after }: NamedLevel, isFirst: boolean): string | undefined {
    const name = this.of(placeholder)
    if (name === undefined || !fits(name, isFirst && before === '')) return undefined
    return before + name.text + after
  }

  #valueOf(key: string): Name | undefined {
    const values = this.#identity.attributes?.values
    return values !== undefined && Object.hasOwn(values, key) ? nameOf(values[key]) : undefined
  }
}

/**
 * What a rule that denies is about when a name of the client cannot stand in its filter: all that the rule could have meant.
 * @returns its filter; `everything` for all topics, those of the server too; undefined when all names fit, or when the client
 * has no such name, so that the rule is not about it.
 */
export const reachOf = (filter: string, names: Names): string | typeof everything | undefined => {
  let filled = ''
  for (const part of filter.split(placeholder)) {
    if (!placeholder.test(part)) {
      filled += part
      continue
    }
    const name = names.of(part)
    if (name === undefined) return undefined
    if (!fits(name, filled === '')) {
      const end = filled.lastIndexOf('/')
      return end === -1 ? everything : `${filled.slice(0, end)}/#`
    }
    filled += name.text
  }
  return undefined
}

/** Every topic, also those that begin with `$`, which no filter matches. */
export const everything = Symbol('everything')

const nameOf = (text: string | undefined): Name | undefined =>
  isNone(text) ? undefined : { text, isPlain: !/[+#/]/.test(text), isDollar: text.startsWith('$') }

/** Whether a name means itself in a filter. A first level that begins with `$` belongs to the server. */
const fits = ({ isPlain, isDollar }: Name, first: boolean): boolean => isPlain && !(first && isDollar)
