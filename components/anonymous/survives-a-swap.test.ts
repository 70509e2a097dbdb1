import type { Authenticator } from '../../src/kinds/authenticator.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import type { Anonymous } from './anonymous.ts'
import { anonymous } from './index.ts'

const peer = UNKNOWN_PEER
const ask = (instance: Authenticator, userName?: string) =>
  instance.authenticate({ clientId: 'c', userName, password: undefined, peer })

survivesASwap<Anonymous, object>('anonymous', {
  component: anonymous,
  config: {},
  others: [{ attributes: { groups: ['guests'] } }],
  dependencies: () => ({}),
  history: [(instance) => ask(instance), (instance) => ask(instance, 'ann')],
  observe: (instance) => {
    const { allowed } = instance
    return [allowed, ask(instance), ask(instance, 'ann')]
  },
})
