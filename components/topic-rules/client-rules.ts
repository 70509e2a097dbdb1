import type { Identity } from '../../src/kinds/authorizer.ts'
import { covers, overlaps } from '../../src/mqtt/topic-filter-sets.ts'
import { fillPlaceholders, isAnonymous } from './placeholders.ts'
import type { Action, Rule, TopicRulesConfig } from './rule.ts'

/** A rule as it is for one client. @property filter undefined for every topic, those with `$` too. */
interface ClientRule {
  readonly action: Rule['action']
  readonly allow: boolean
  readonly filter: string | undefined
}

/** The rules that are about one client, its names filled in. */
export class ClientRules {
  readonly clientId: string
  readonly userName: string | undefined
  readonly #identity: Identity
  readonly #config: TopicRulesConfig

  // The lists are made when they are first needed: most clients do one thing.
  #publish: readonly ClientRule[] | undefined
  #subscribe: readonly ClientRule[] | undefined
  #receive: readonly ClientRule[] | undefined

  // The last answers, since clients publish to one topic, or receive one message among many subscribers, in a row.
  #lastPublished: string | undefined
  #mayPublishLast = false
  #lastReceived: string | undefined
  #mayReceiveLast = false

  constructor(identity: Identity, config: TopicRulesConfig) {
    this.clientId = identity.clientId
    this.userName = identity.userName
    this.#identity = identity
    this.#config = config
  }

  mayPublish(topic: string): boolean {
    if (topic === this.#lastPublished) return this.#mayPublishLast
    this.#publish ??= this.#listOf('publish')
    this.#mayPublishLast = this.#decide(this.#publish, topic)
    this.#lastPublished = topic
    return this.#mayPublishLast
  }

  mayReceive(topic: string): boolean {
    if (topic === this.#lastReceived) return this.#mayReceiveLast
    this.#receive ??= this.#listOf('subscribe', 'receive')
    this.#mayReceiveLast = this.#decideReceiving(this.#receive, topic)
    this.#lastReceived = topic
    return this.#mayReceiveLast
  }

  maySubscribe(filter: string): boolean {
    this.#subscribe ??= this.#listOf('subscribe')
    for (const rule of this.#subscribe) {
      if (rule.filter === undefined) return rule.allow
      if (rule.allow ? covers(rule.filter, filter) : overlaps(rule.filter, filter)) return rule.allow
    }
    return this.#config.default === 'allow'
  }

  #decide(rules: readonly ClientRule[], topic: string): boolean {
    for (const { allow, filter } of rules) {
      if (filter === undefined || covers(filter, topic)) return allow
    }
    return this.#config.default === 'allow'
  }

  /**
   * Who may subscribe to a topic may receive it, unless a rule on receiving, which no rule on all comes before, says
   * something else.
   */
  #decideReceiving(rules: readonly ClientRule[], topic: string): boolean {
    let maySubscribe: boolean | undefined
    for (const { action, allow, filter } of rules) {
      if (filter !== undefined && !covers(filter, topic)) continue
      if (action === 'receive') return allow
      maySubscribe ??= allow
      if (action === 'all') break
    }
    return maySubscribe ?? this.#config.default === 'allow'
  }

  #listOf(...actions: Action[]): readonly ClientRule[] {
    return this.#config.rules
      .filter(({ action }) => action === 'all' || actions.includes(action))
      .flatMap((rule) => clientRule(rule, this.#identity) ?? [])
  }
}

/** The rule as it is for this client, or undefined when it is not about it. */
const clientRule = (
  { action, allow, filter, user, anonymous, client }: Rule,
  identity: Identity,
): ClientRule | undefined => {
  if (user !== undefined && user !== identity.userName) return undefined
  if (anonymous !== undefined && anonymous !== isAnonymous(identity)) return undefined
  if (client !== undefined && client !== identity.clientId) return undefined
  const filled = fillPlaceholders(filter, identity)
  if (filled.result === 'filter') return { action, allow, filter: filled.filter }
  // A name that cannot stand in a filter gives no right, and evades no prohibition.
  return filled.result === 'nameless' || allow ? undefined : { action, allow, filter: filled.reach }
}
