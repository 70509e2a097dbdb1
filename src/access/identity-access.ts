import type { QoS } from 'mqtt-packet'
import type { Decision, Identity } from '../kinds/authorizer.ts'
import type { IdentityAttributes } from '../kinds/identity.ts'
import type { Action } from './access-rule.ts'
import type { AnswerCache } from './answer-cache.ts'
import type { CompiledRules, TreesOfClient } from './compiled-rules.ts'
import { Names } from './placeholders.ts'
import { type FilterMatch, NO_QOS, type Question, type RuleSearch } from './rule-search.ts'
import type { PlacedRule } from './rule-tree.ts'

/** What the answers depend on, apart from the client. */
export interface AccessContext {
  readonly compiled: CompiledRules
  readonly search: RuleSearch
  readonly cache: AnswerCache | undefined
  readonly otherwise: Decision
  readonly match: FilterMatch
}

/** The answers to one client. */
export class IdentityAccess {
  readonly #identity: Identity
  readonly #context: AccessContext
  readonly #names: Names
  readonly #trees: TreesOfClient
  // The names are compared in case the object's owner changes them.
  readonly #clientId: string
  readonly #userName: string | undefined
  readonly #attributes: IdentityAttributes | undefined
  // The numbers of this client in the cache of answers.
  readonly #publisher: number
  readonly #receiver: number

  // The last answers, since clients publish to one topic, or receive one message among many subscribers, in a row.
  #lastPublished: string | undefined
  #lastKind = -1
  #mayPublishLast: Decision = 'deny'
  #lastReceived: string | undefined
  #mayReceiveLast: Decision = 'deny'

  /** @param number counts up with each client. */
  constructor(identity: Identity, number: number, context: AccessContext) {
    this.#identity = identity
    this.#context = context
    this.#names = new Names(identity)
    this.#trees = context.compiled.treesOf(identity, this.#names)
    this.#clientId = identity.clientId
    this.#userName = identity.userName
    this.#attributes = identity.attributes
    this.#publisher = number * 2
    this.#receiver = number * 2 + 1
  }

  /** Whether the answers are for this identity. */
  isFor({ clientId, userName, attributes }: Identity): boolean {
    return clientId === this.#clientId && userName === this.#userName && attributes === this.#attributes
  }

  mayPublish(topic: string, qos: QoS, retain: boolean): Decision {
    const kind = retain ? qos + 4 : qos
    if (topic === this.#lastPublished && kind === this.#lastKind) return this.#mayPublishLast
    const { cache, compiled } = this.#context
    const isAlike = !compiled.hasMessageConditions
    let answer = isAlike ? cache?.get(this.#publisher, topic) : undefined
    if (answer === undefined) {
      answer = this.#decided(this.#find('publish', topic, qos, retain))
      if (isAlike) cache?.set(this.#publisher, topic, answer)
    }
    this.#lastPublished = topic
    this.#lastKind = kind
    this.#mayPublishLast = answer
    return answer
  }

  maySubscribe(filter: string, qos: QoS): Decision {
    return this.#decided(this.#find('subscribe', filter, qos))
  }

  mayReceive(topic: string): Decision {
    if (topic === this.#lastReceived) return this.#mayReceiveLast
    const { cache } = this.#context
    let answer = cache?.get(this.#receiver, topic)
    if (answer === undefined) {
      answer = this.#decideReceiving(topic)
      cache?.set(this.#receiver, topic, answer)
    }
    this.#lastReceived = topic
    this.#mayReceiveLast = answer
    return answer
  }

  /** Units of work that `maySubscribe` costs at most: a filter with wildcards may lead through all rules about the client. */
  subscribeUnits(filter: string): number {
    if (!filter.includes('+') && !filter.includes('#')) return QUESTION_UNITS
    let nodes = 0
    for (const tree of this.#trees.subscribe) nodes += tree.nodes
    return QUESTION_UNITS + (nodes >> 1)
  }

  /**
   * A client that may subscribe to a topic may receive it, unless a rule on receiving, which no rule on all comes before, says
   * something else.
   */
  #decideReceiving(topic: string): Decision {
    if (this.#context.compiled.hasReceive) {
      const rule = this.#find('receive', topic, NO_QOS)
      if (rule?.action === 'receive') return this.#decided(rule)
    }
    return this.#decided(this.#find('subscribe', topic, NO_QOS))
  }

  #find(action: Action, text: string, qos: number, retain?: boolean): PlacedRule | undefined {
    const { search, match } = this.#context
    const question: Question = { identity: this.#identity, names: this.#names, text, qos, retain, match }
    return search.find(this.#trees[action], question)
  }

  #decided(rule: PlacedRule | undefined): Decision {
    if (rule === undefined) return this.#context.otherwise
    return rule.allow ? 'allow' : 'deny'
  }
}

/** Units of work of a question that leads along one topic. */
const QUESTION_UNITS = 3
