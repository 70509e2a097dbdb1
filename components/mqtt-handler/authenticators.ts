import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { ListenerAuthentication } from '../../src/kinds/listener-authentication.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'

/** One failure of an authenticator is logged in this time, in milliseconds: a service that is down fails for every client. */
const FAILURE_LOG_INTERVAL_MS = 1_000

/** An authenticator of the handler, with its counters. */
export class AuthenticatorRecord {
  readonly authenticator: Authenticator
  /** Counts the revocations. An answer to a question that was asked before the last one is checked again. */
  revision = 0

  // For operators.
  /** Clients that it allowed. */
  allowed = 0
  /** Clients that it denied. */
  denied = 0
  /** Clients that it passed on. */
  passed = 0
  /** Clients that were refused because it threw, rejected, gave no answer in time or none that is valid. */
  failed = 0
  /** Clients that were disconnected or refused because it no longer accepts them. */
  revoked = 0

  readonly #failureLog = new LogInterval(FAILURE_LOG_INTERVAL_MS)
  #unlogged = 0

  constructor(authenticator: Authenticator) {
    this.authenticator = authenticator
  }

  get name(): string {
    return this.authenticator.name
  }

  /**
   * Whether a failure is logged now.
   * @returns how many were not logged since the last one that was; undefined if this one is not logged either.
   */
  logsFailure(): number | undefined {
    if (!this.#failureLog.begin()) {
      this.#unlogged += 1
      return undefined
    }
    const unlogged = this.#unlogged
    this.#unlogged = 0
    return unlogged
  }
}

/** The authenticators that the clients of a listener are checked by. */
export interface AuthenticatorChain {
  /** In the order in which they are asked. */
  readonly records: readonly AuthenticatorRecord[]
  /** Names that the listener lists and that do not exist. All clients of the listener are then refused. */
  readonly unknown: readonly string[]
  /** Whether the User Name of CONNECT may be a secret of a client. */
  readonly hidesUserNames: boolean
}

/** All authenticators of the handler, and those of each listener. */
export class Authenticators {
  /** Clients that an authenticator has yet to answer for. */
  waiting = 0
  readonly #records: ReadonlyMap<string, AuthenticatorRecord>
  /** The options of a listener are the same object while it is open. */
  readonly #chains = new WeakMap<ListenerOptions, AuthenticatorChain>()
  readonly #hasMethods: boolean

  /**
   * @param hasMethods whether clients can also authenticate by AUTH packets.
   * @throws when two authenticators have the same name.
   */
  constructor(authenticators: readonly Authenticator[], hasMethods: boolean) {
    const records = new Map<string, AuthenticatorRecord>()
    for (const authenticator of authenticators) {
      const { name } = authenticator
      if (records.has(name)) throw new Error(`two authenticators have the name ${name}`)
      records.set(name, new AuthenticatorRecord(authenticator))
    }
    this.#records = records
    this.#hasMethods = hasMethods
  }

  get size(): number {
    return this.#records.size
  }

  [Symbol.iterator](): IterableIterator<AuthenticatorRecord> {
    return this.#records.values()
  }

  /** Those of a listener: the ones that it names, otherwise all. */
  chainOf(listener: ListenerOptions): AuthenticatorChain {
    const known = this.#chains.get(listener)
    if (known !== undefined) return known
    const chain = this.#makeChain(listener.authenticators)
    this.#chains.set(listener, chain)
    return chain
  }

  /** Whether the listener has anything to check clients by. If not, what they say is not proven. */
  checks({ records, unknown }: AuthenticatorChain): boolean {
    return this.#hasMethods || records.length > 0 || unknown.length > 0
  }

  describe(listener: ListenerOptions): ListenerAuthentication {
    const chain = this.chainOf(listener)
    const proof = !this.checks(chain) ? 'none' : listener.allowAnonymous === true ? 'named' : 'every'
    return { proof, unknown: chain.unknown, known: [...this.#records.keys()] }
  }

  #makeChain(names: readonly string[] | undefined): AuthenticatorChain {
    if (names === undefined) return chainWith([...this.#records.values()], [])
    const records: AuthenticatorRecord[] = []
    const unknown: string[] = []
    for (const name of new Set(names)) {
      const record = this.#records.get(name)
      if (record === undefined) unknown.push(name)
      else records.push(record)
    }
    return chainWith(records, unknown)
  }
}

const chainWith = (records: readonly AuthenticatorRecord[], unknown: readonly string[]): AuthenticatorChain => ({
  records,
  unknown,
  hidesUserNames: records.some(({ authenticator }) => authenticator.hidesUserNames === true),
})
