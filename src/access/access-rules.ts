import type { QoS } from 'mqtt-packet'
import type { Authorizer, Decision, Identity } from '../kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../kinds/peer.ts'
import type { AccessRule } from './access-rule.ts'
import { AnswerCache } from './answer-cache.ts'
import { CompiledRules } from './compiled-rules.ts'
import { type AccessContext, IdentityAccess } from './identity-access.ts'
import { type FilterMatch, RuleSearch } from './rule-search.ts'

export interface AccessRulesOptions {
  /** The answer if no rule matches. Default: `pass`. */
  readonly otherwise?: Decision
  /** Default: `whole`. */
  readonly match?: FilterMatch
  /** Whether answers on many topics are kept, which takes memory. Default: true. */
  readonly keepsAnswers?: boolean
}

/**
 * Access control by a list of rules on topics: the first that matches decides. The rules are compiled once, and not for each
 * client. The cost of a question does not grow with rules on other topics or other clients.
 */
export class AccessRules implements Authorizer {
  #options: AccessRulesOptions
  readonly #search = new RuleSearch()
  #context: AccessContext
  #identities = 0

  /** For all clients, when the rules are the same for all. */
  #shared: IdentityAccess | undefined
  /** For each client, for as long as its connection has its identity. */
  #own = new WeakMap<Identity, IdentityAccess>()

  constructor(rules: readonly AccessRule[], options: AccessRulesOptions = {}) {
    this.#options = options
    this.#context = this.#contextOf(rules)
    this.#shared = this.#sharedAccess()
  }

  /** The number of rules. */
  get size(): number {
    return this.#context.compiled.size
  }

  /** Nodes of the rules that were visited since the start. Most answers need none. */
  get visited(): number {
    return this.#search.visited
  }

  /** Replaces the rules. All answers that were kept are forgotten. @returns takes it back. */
  replace(rules: readonly AccessRule[], options: AccessRulesOptions = this.#options): () => void {
    const before = { context: this.#context, options: this.#options, shared: this.#shared, own: this.#own }
    this.#options = options
    this.#context = this.#contextOf(rules)
    this.#shared = this.#sharedAccess()
    this.#own = new WeakMap()
    return () => {
      this.#context = before.context
      this.#options = before.options
      this.#shared = before.shared
      this.#own = before.own
    }
  }

  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): Decision {
    return this.#of(identity).mayPublish(topic, qos, retain)
  }

  maySubscribe(identity: Identity, filter: string, qos: QoS): Decision {
    return this.#of(identity).maySubscribe(filter, qos)
  }

  mayReceive(identity: Identity, topic: string): Decision {
    return this.#of(identity).mayReceive(topic)
  }

  /** Units of work that `maySubscribe` costs at most. */
  subscribeUnits(identity: Identity, filter: string): number {
    return this.#of(identity).subscribeUnits(filter)
  }

  #of(identity: Identity): IdentityAccess {
    if (this.#shared !== undefined) return this.#shared
    const known = this.#own.get(identity)
    if (known?.isFor(identity) === true) return known
    const access = this.#accessOf(identity)
    this.#own.set(identity, access)
    return access
  }

  #sharedAccess(): IdentityAccess | undefined {
    if (this.#context.compiled.isPersonal) return undefined
    return this.#accessOf({ clientId: '', userName: undefined, peer: UNKNOWN_PEER })
  }

  #accessOf(identity: Identity): IdentityAccess {
    this.#identities += 1
    return new IdentityAccess(identity, this.#identities, this.#context)
  }

  #contextOf(rules: readonly AccessRule[]): AccessContext {
    const { otherwise = 'pass', match = 'whole', keepsAnswers = true } = this.#options
    return {
      compiled: new CompiledRules(rules),
      search: this.#search,
      cache: keepsAnswers ? new AnswerCache() : undefined,
      otherwise,
      match,
    }
  }
}
