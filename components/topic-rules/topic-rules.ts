import type { QoS } from 'mqtt-packet'
import { AccessRules } from '../../src/access/access-rules.ts'
import type { Authorizer, Decision, Identity } from '../../src/kinds/authorizer.ts'
import type { TopicRulesConfig } from './rule.ts'

/** Access control by a list of rules on topics. */
export class TopicRules implements Authorizer {
  readonly rules: AccessRules

  constructor({ rules, default: otherwise }: TopicRulesConfig) {
    this.rules = new AccessRules(rules, { otherwise })
  }

  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): Decision {
    return this.rules.mayPublish(identity, topic, qos, retain)
  }

  maySubscribe(identity: Identity, filter: string, qos: QoS): Decision {
    return this.rules.maySubscribe(identity, filter, qos)
  }

  mayReceive(identity: Identity, topic: string): Decision {
    return this.rules.mayReceive(identity, topic)
  }

  subscribeUnits(identity: Identity, filter: string): number {
    return this.rules.subscribeUnits(identity, filter)
  }
}
