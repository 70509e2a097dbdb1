import type { QoS } from 'mqtt-packet'
import type { Authorizer, Identity } from '../../src/kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { ClientRules } from './client-rules.ts'
import { placeholdersIn } from './placeholders.ts'
import type { TopicRulesConfig } from './rule.ts'

/** Access control by a list of rules on topics. */
export class TopicRules implements Authorizer {
  /** Set only if a rule concerns receiving: otherwise deliveries need no check. */
  readonly mayReceive?: (identity: Identity, topic: string) => boolean
  readonly #config: TopicRulesConfig
  /** The rules of all clients, when they are the same for all. */
  readonly #shared: ClientRules | undefined
  /** The rules of each client, for as long as its connection has its identity. */
  readonly #own = new WeakMap<Identity, ClientRules>()

  constructor(config: TopicRulesConfig) {
    this.#config = config
    const personal = config.rules.some(
      ({ filter, user, anonymous, client }) =>
        user !== undefined || anonymous !== undefined || client !== undefined || placeholdersIn(filter) > 0,
    )
    if (!personal) this.#shared = new ClientRules({ clientId: '', userName: undefined, peer: UNKNOWN_PEER }, config)
    if (config.rules.some(({ action }) => action === 'receive' || action === 'all')) {
      this.mayReceive = (identity, topic) => this.#rulesOf(identity).mayReceive(topic)
    }
  }

  mayPublish(identity: Identity, topic: string, _qos: QoS, _retain: boolean): boolean {
    return this.#rulesOf(identity).mayPublish(topic)
  }

  maySubscribe(identity: Identity, filter: string): boolean {
    return this.#rulesOf(identity).maySubscribe(filter)
  }

  #rulesOf(identity: Identity): ClientRules {
    if (this.#shared !== undefined) return this.#shared
    const known = this.#own.get(identity)
    // The names are compared in case the object's owner changes them, after a re-authentication say.
    if (known !== undefined && known.clientId === identity.clientId && known.userName === identity.userName) {
      return known
    }
    const rules = new ClientRules(identity, this.#config)
    this.#own.set(identity, rules)
    return rules
  }
}
