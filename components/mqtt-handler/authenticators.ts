import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { ListenerAuthentication } from '../../src/kinds/listener-authentication.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'

/** One failure of an authenticator is logged in this time, in milliseconds: a service that is down fails for every client. */
const FAILURE_LOG_INTERVAL_MS = 1_000

/** What is known of an authenticator, for the handler that continues: numbers alone. */
export type AuthenticatorNumbers = Record<(typeof NUMBERS)[number], number> & { readonly name: string }

const NUMBERS = ['revision', 'allowed', 'denied', 'passed', 'failed', 'revoked'] as const

/** An authenticator of the handler, with its counters. */
export class AuthenticatorRecord {
  /** A reset may replace it by another one of the same name. */
  authenticator: Authenticator
  /** A reset has removed it: what it answers now does not count. */
  isRemoved = false
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

  handOver(): AuthenticatorNumbers {
    const { name, revision, allowed, denied, passed, failed, revoked } = this
    return { name, revision, allowed, denied, passed, failed, revoked }
  }

  continueWith(numbers: AuthenticatorNumbers): void {
    for (const key of NUMBERS) this[key] = numbers[key]
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
  #records: ReadonlyMap<string, AuthenticatorRecord>
  /** Removed ones whose clients may still be connected, by name: if one of the name comes back, it may revoke them. */
  #removed: ReadonlyMap<string, AuthenticatorRecord> = new Map()
  /** The options of a listener are the same object while it is open. */
  #chains = new WeakMap<ListenerOptions, AuthenticatorChain>()
  #hasMethods: boolean

  /**
   * @param hasMethods whether clients can also authenticate by AUTH packets.
   * @throws when two authenticators have the same name.
   */
  constructor(authenticators: readonly Authenticator[], hasMethods: boolean) {
    requireUniqueNames(authenticators)
    this.#records = new Map(authenticators.map((each) => [each.name, new AuthenticatorRecord(each)]))
    this.#hasMethods = hasMethods
  }

  /**
   * Puts others in the place of these. One with the name of one that was there continues its counters.
   * @param authenticators with unique names. @returns takes it back.
   */
  replace(authenticators: readonly Authenticator[], hasMethods: boolean): () => void {
    const before = { records: this.#records, removed: this.#removed, hasMethods: this.#hasMethods }
    const known = new Map([...before.removed, ...before.records])
    const states = [...known.values()].map((record) => ({ record, ...pickState(record) }))
    this.#use(new Map(authenticators.map((each) => [each.name, this.#continued(each)])), hasMethods)
    this.#removed = new Map([...known].filter(([name]) => !this.#records.has(name)))
    for (const [name, record] of known) record.isRemoved = this.#removed.has(name)
    return () => {
      for (const { record, ...state } of states) Object.assign(record, state)
      this.#removed = before.removed
      this.#use(before.records, before.hasMethods)
    }
  }

  /** The numbers of all, for the handler that continues. */
  handOver(): readonly AuthenticatorNumbers[] {
    return [...this.#records.values()].map((record) => record.handOver())
  }

  continueWith(numbers: readonly AuthenticatorNumbers[]): void {
    for (const each of numbers) this.#records.get(each.name)?.continueWith(each)
  }

  get(name: string | undefined): AuthenticatorRecord | undefined {
    return name === undefined ? undefined : this.#records.get(name)
  }

  /** The one with this name, of the state of a client. A name that is unknown stands for one that was removed. */
  handed(name: string): AuthenticatorRecord {
    const known = this.#records.get(name) ?? this.#removed.get(name)
    if (known !== undefined) return known
    const record = removedRecord(name)
    this.#removed = new Map([...this.#removed, [name, record]])
    return record
  }

  #continued(authenticator: Authenticator): AuthenticatorRecord {
    const { name } = authenticator
    const record = this.#records.get(name) ?? this.#removed.get(name)
    if (record === undefined) return new AuthenticatorRecord(authenticator)
    // An answer of the one before is checked again.
    if (record.authenticator !== authenticator) record.revision += 1
    record.authenticator = authenticator
    return record
  }

  #use(records: ReadonlyMap<string, AuthenticatorRecord>, hasMethods: boolean): void {
    this.#records = records
    this.#hasMethods = hasMethods
    this.#chains = new WeakMap()
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

/** @throws when two authenticators have the same name. */
export const requireUniqueNames = (authenticators: readonly Authenticator[]): void => {
  const names = new Set<string>()
  for (const { name } of authenticators) {
    if (names.has(name)) throw new Error(`two authenticators have the name ${name}`)
    names.add(name)
  }
}

/** What `replace` changes of a record. */
const pickState = ({ authenticator, isRemoved }: AuthenticatorRecord) => ({ authenticator, isRemoved })

/** Stands for an authenticator that a reset has removed while it was asked. */
const removedRecord = (name: string): AuthenticatorRecord => {
  const record = new AuthenticatorRecord({ name, authenticate: () => ({ result: 'pass' }) })
  record.isRemoved = true
  return record
}
