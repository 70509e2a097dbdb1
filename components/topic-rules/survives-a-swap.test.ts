import type { Authorizer } from '../../src/kinds/authorizer.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { topicRules } from './index.ts'

const ann = { clientId: 'c', userName: 'ann', peer: UNKNOWN_PEER }

survivesASwap<Authorizer, object>('topicRules', {
  component: topicRules,
  config: { rules: [{ action: 'all', filter: 'a/#', allow: true }] },
  others: [
    { rules: [{ action: 'all', filter: 'a/%u/#', allow: true }], default: 'pass' },
    { rules: [], default: 'allow' },
  ],
  dependencies: () => ({}),
  history: [(rules) => rules.mayPublish(ann, 'a/b', 0, false), (rules) => void rules.onChange?.(() => {})],
  observe: (rules) =>
    ['a/b', 'a/ann/b', 'b'].map((topic) => [
      rules.mayPublish(ann, topic, 0, false),
      rules.maySubscribe(ann, topic, 0),
      rules.mayReceive?.(ann, topic),
    ]),
})
