import type { QoS } from 'mqtt-packet'
import { AccessRules } from '../../src/access/access-rules.ts'
import type { Authorizer, Decision, Identity } from '../../src/kinds/authorizer.ts'

/** Units of work of a question to an authorizer that does not say what it costs. */
const QUESTION_UNITS = 3

type AskReceive = (identity: Identity, topic: string) => Decision

type OwnRules = Pick<AccessRules, 'mayPublish' | 'maySubscribe' | 'mayReceive' | 'subscribeUnits'>

const allow = (): Decision => 'allow'

/** The rules of a superuser. */
const EVERYTHING: OwnRules = { mayPublish: allow, maySubscribe: allow, mayReceive: allow, subscribeUnits: () => 0 }

/**
 * Whether a client may do something. The first of these that has an answer decides:
 *
 * 1. A superuser may do everything.
 * 2. The rules that the identity itself brings (`IdentityAttributes.rules`).
 * 3. The authorizers, in their order.
 * 4. Without authorizers and own rules everything is allowed, else nothing.
 */
export class Authorization {
  #authorizers: readonly Authorizer[] = []
  /** What each of them says about receiving. */
  #receive: readonly AskReceive[] = []
  /** Whether there was ever an identity that brings rules of its own. */
  #hasOwnRules = false
  /** Compiled, for as long as the identity is there. */
  readonly #own = new WeakMap<Identity, AccessRules>()
  #mayReceive: ((identity: Identity, topic: string) => boolean) | undefined

  constructor(authorizers: readonly Authorizer[]) {
    this.#use(authorizers)
  }

  /** Whether an identity ever brought rules of its own, for a successor. */
  get hasOwnRules(): boolean {
    return this.#hasOwnRules
  }

  /** As in the predecessor, at a reset. */
  takeOver(hasOwnRules: boolean): void {
    this.#hasOwnRules = hasOwnRules
    if (hasOwnRules) this.#askReceive()
  }

  /** Asks other authorizers from now on. @returns takes it back. */
  adjust(authorizers: readonly Authorizer[]): () => void {
    const before = this.#authorizers
    this.#use(authorizers)
    return () => this.#use(before)
  }

  get authorizers(): readonly Authorizer[] {
    return this.#authorizers
  }

  get hasAuthorizers(): boolean {
    return this.#authorizers.length > 0
  }

  /** Whether a client may receive a message on a topic now; undefined while every client may, so that no delivery asks. */
  get mayReceive(): ((identity: Identity, topic: string) => boolean) | undefined {
    return this.#mayReceive
  }

  /** A client has this identity from now on. Call it before the client is asked about. */
  noteIdentity({ attributes }: Identity): void {
    if (attributes?.rules === undefined || this.#hasOwnRules) return
    this.#hasOwnRules = true
    this.#askReceive()
  }

  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): boolean {
    const own = this.#ownOf(identity)?.mayPublish(identity, topic, qos, retain) ?? 'pass'
    if (own !== 'pass') return own === 'allow'
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.mayPublish(identity, topic, qos, retain)
      if (decision !== 'pass') return decision === 'allow'
    }
    return this.isOpenFor(identity)
  }

  /** @param filter without `$share/{ShareName}/`. */
  maySubscribe(identity: Identity, filter: string, qos: QoS): boolean {
    const own = this.#ownOf(identity)?.maySubscribe(identity, filter, qos) ?? 'pass'
    if (own !== 'pass') return own === 'allow'
    for (const authorizer of this.#authorizers) {
      const decision = authorizer.maySubscribe(identity, filter, qos)
      if (decision !== 'pass') return decision === 'allow'
    }
    return this.isOpenFor(identity)
  }

  /** Units of work that `maySubscribe` costs at most. */
  subscribeUnits(identity: Identity, filter: string): number {
    let units = this.#ownOf(identity)?.subscribeUnits(identity, filter) ?? 0
    for (const authorizer of this.#authorizers) {
      units += authorizer.subscribeUnits?.(identity, filter) ?? QUESTION_UNITS
    }
    return units
  }

  #use(authorizers: readonly Authorizer[]): void {
    this.#authorizers = authorizers
    const isAsked = authorizers.some(({ mayReceive, onChange }) => (mayReceive ?? onChange) !== undefined)
    this.#receive = isAsked ? authorizers.map(receiveOf) : []
    if (isAsked || this.#hasOwnRules) this.#askReceive()
    else this.#mayReceive = undefined
  }

  /** From now on every delivery asks. */
  #askReceive(): void {
    this.#mayReceive ??= (identity, topic) => this.#decideReceiving(identity, topic)
  }

  #decideReceiving(identity: Identity, topic: string): boolean {
    const own = this.#ownOf(identity)?.mayReceive(identity, topic) ?? 'pass'
    if (own !== 'pass') return own === 'allow'
    for (const ask of this.#receive) {
      const decision = ask(identity, topic)
      if (decision !== 'pass') return decision === 'allow'
    }
    // If no authorizer has a rule about receiving, what was allowed is decided when the client subscribes.
    return this.#receive.length === 0 ? this.hasAuthorizers || this.isOpenFor(identity) : false
  }

  /** Whether there is no rule and no authorizer for this client. */
  isOpenFor({ attributes }: Identity): boolean {
    return !this.hasAuthorizers && attributes?.rules === undefined
  }

  /** What the identity itself brings; undefined if that is nothing. */
  #ownOf(identity: Identity): OwnRules | undefined {
    const { attributes } = identity
    if (attributes === undefined) return undefined
    const { isSuperuser, rules } = attributes
    if (isSuperuser === true) return EVERYTHING
    if (rules === undefined) return undefined
    const known = this.#own.get(identity)
    if (known !== undefined) return known
    const own = new AccessRules(rules, { keepsAnswers: false })
    this.#own.set(identity, own)
    return own
  }
}

const receiveOf = (authorizer: Authorizer): AskReceive =>
  authorizer.mayReceive?.bind(authorizer) ?? ((identity, topic) => authorizer.maySubscribe(identity, topic, 0))

/** Whether authorizers know the same of two identities of one client, apart from where it connects from. */
export const hasSameRights = (one: Identity, other: Identity): boolean =>
  one.userName === other.userName && JSON.stringify(one.attributes) === JSON.stringify(other.attributes)
