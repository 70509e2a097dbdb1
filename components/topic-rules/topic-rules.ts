import { AccessRules } from '../../src/access/access-rules.ts'
import { Change } from '../../src/collections/change.ts'
import { Listeners } from '../../src/collections/listeners.ts'
import type { TopicRulesConfig } from './rule.ts'

/** Access control by the rules of the config. */
export class TopicRules extends AccessRules {
  readonly #changed = new Listeners()

  constructor({ rules, default: otherwise }: TopicRulesConfig) {
    super(rules, { otherwise })
  }

  onChange(listener: () => void): () => void {
    return this.#changed.add(listener)
  }

  /** Prepares other rules. Subscriptions are checked once more when they are in force. */
  adjust({ rules, default: otherwise }: TopicRulesConfig): Change {
    return new Change([() => this.replace(rules, { otherwise })], { done: () => this.#changed.call() })
  }
}
