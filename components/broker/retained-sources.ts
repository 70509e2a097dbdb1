import type { Identity } from '../../src/kinds/authorizer.ts'
import { type Peer, UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import type { RetainedSource } from '../../src/kinds/store.ts'
import { restoredIdentity, storedIdentity } from './stored-identity.ts'
import type { UserAccounts, UserNumbers } from './user-quotas.ts'

/** The client that publishes a message. */
export interface RetainedPublisher {
  readonly identity: Identity
  /** The user that an authenticator has proved. */
  readonly owner: string | undefined
}

/** A publisher of retained messages, as long as there is a message of it. */
export interface SharedSource {
  /** For the store. */
  readonly source: RetainedSource
  /** For authorization. */
  readonly identity: Identity
  /** Its memory, in bytes. */
  readonly cost: number
  /** Equal for equal publishers. */
  readonly key: string
  /** Its retained messages. */
  messages: number
  /** What its user holds; undefined without a proved user, and before its first message. */
  quota: UserNumbers | undefined
}

/** Objects, entries in maps, and the headers of texts, in bytes. */
const OVERHEAD_BYTES = 800

/** Bytes for each character of a publisher: it is in the key and in the source, and its rules are compiled. */
const CHARACTER_BYTES = 6

/**
 * The publishers of retained messages. All messages of equal publishers share one object, over connections, restarts and resets: the
 * port of the peer does not count. A publisher without messages is forgotten.
 */
export class RetainedSources {
  readonly #byKey = new Map<string, SharedSource>()
  /** What was found last for an object: of a client that publishes many messages, and of a store that gives many. */
  readonly #known = new WeakMap<Identity | RetainedSource, SharedSource>()
  #bytes = 0
  #hasRules = false

  /** The publishers that have messages, for a successor. */
  handOver(): { readonly sources: readonly SharedSource[]; readonly hasRules: boolean } {
    return { sources: [...this.#byKey.values()], hasRules: this.#hasRules }
  }

  /**
   * Copies the publishers of the predecessor, at a reset.
   * @param quotas of this generation.
   * @returns the copy of each.
   */
  takeOver(
    { sources, hasRules }: ReturnType<RetainedSources['handOver']>,
    quotas: Pick<UserAccounts, 'of'>,
  ): ReadonlyMap<SharedSource, SharedSource> {
    const copies = new Map<SharedSource, SharedSource>()
    for (const source of sources) {
      const user = source.quota?.user
      const copy = { ...source, quota: user === undefined ? undefined : quotas.of(user) }
      copies.set(source, copy)
      this.#byKey.set(copy.key, copy)
      this.#bytes += copy.cost
    }
    this.#hasRules = hasRules
    return copies
  }

  /** The memory of the publishers that have messages, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Publishers that have messages. */
  get count(): number {
    return this.#byKey.size
  }

  /** Whether any publisher had rules of its own. */
  get hasRules(): boolean {
    return this.#hasRules
  }

  /** The shared object of a client. It is not counted before `hold`. */
  of({ identity, owner }: RetainedPublisher): SharedSource {
    const known = this.#knownOf(identity)
    if (known !== undefined) return known
    const { clientId, peer } = identity
    const place = peer === UNKNOWN_PEER ? undefined : { ...peer, port: 0 }
    return this.#find(identity, { clientId, ...storedIdentity(identity, owner), peer: place })
  }

  /** The shared object of a source of the store. */
  restored(source: RetainedSource): SharedSource {
    return this.#knownOf(source) ?? this.#find(source, source)
  }

  /** What one more message of this publisher adds to `bytes`. */
  growthOf(shared: SharedSource): number {
    return shared.messages === 0 ? shared.cost : 0
  }

  /** A message of this publisher is retained. @returns by how much `bytes` has grown. */
  hold(shared: SharedSource): number {
    const growth = this.growthOf(shared)
    if (growth > 0) this.#byKey.set(shared.key, shared)
    if (shared.source.attributes?.rules !== undefined) this.#hasRules = true
    shared.messages += 1
    this.#bytes += growth
    return growth
  }

  /** A message of this publisher is retained no more. @returns by how much `bytes` has shrunk. */
  release(shared: SharedSource): number {
    shared.messages -= 1
    if (shared.messages > 0) return 0
    this.#byKey.delete(shared.key)
    this.#bytes -= shared.cost
    return shared.cost
  }

  /** One that was released meanwhile may have an equal one in its place. */
  #knownOf(object: Identity | RetainedSource): SharedSource | undefined {
    const known = this.#known.get(object)
    return known !== undefined && (known.messages > 0 || !this.#byKey.has(known.key)) ? known : undefined
  }

  #find(object: Identity | RetainedSource, source: RetainedSource): SharedSource {
    const key = keyOf(source)
    const shared = this.#byKey.get(key) ?? newSource(key, source)
    this.#known.set(object, shared)
    return shared
  }
}

const newSource = (key: string, source: RetainedSource): SharedSource => ({
  source: Object.freeze(source),
  identity: Object.freeze(restoredIdentity(source.clientId, source)),
  cost: OVERHEAD_BYTES + CHARACTER_BYTES * key.length,
  key,
  messages: 0,
  quota: undefined,
})

/** The fields in a fixed order: a store may give them in another one. */
const keyOf = ({ clientId, userName, claimedUserName, attributes, peer }: RetainedSource): string => {
  const { isSuperuser, groups, values, rules } = attributes ?? {}
  return JSON.stringify([
    clientId,
    userName,
    claimedUserName,
    isSuperuser,
    groups,
    values,
    rules,
    peer && placeOf(peer),
  ])
}

const placeOf = ({ address, port, listener, transport, tls, proxied }: Peer): unknown[] => {
  const { subject, commonName, serial, fingerprint, alternativeNames, serverName } = tls ?? {}
  return [
    ...[address, port, listener, transport, proxied, tls === undefined],
    ...[subject, commonName, serial, fingerprint, alternativeNames, serverName],
  ]
}
