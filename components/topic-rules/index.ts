import { counted } from '../../src/collections/counted.ts'
import { Authorizer } from '../../src/kinds/authorizer.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { topicRulesConfig } from './rule.ts'
import { TopicRules } from './topic-rules.ts'

/** Says what clients may publish, subscribe to and receive, by a list of rules on topics. */
export const topicRules = defineComponent({
  provides: Authorizer,
  needs: {},
  config: topicRulesConfig,
  describe: (config) => `${counted(config.rules.length, 'rule')}, else ${config.default}`,
  start: (config) => new TopicRules(config),
  adjust: (instance, config) => instance.adjust(config),
})
