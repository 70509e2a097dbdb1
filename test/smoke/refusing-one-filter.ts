import { z } from 'zod'
import { Authorizer } from '../../src/kinds/authorizer.ts'
import { defineComponent } from '../../src/system/define-system.ts'

/**
 * Refuses subscriptions to one Topic Filter, and to no other that matches the same topics: what Paho's suites want to see.
 * `topic-rules` would not let a client get round its rules with a wildcard.
 */
export const refusingOneFilter = defineComponent({
  provides: Authorizer,
  needs: {},
  config: z.strictObject({ filter: z.string().describe('The Topic Filter.') }),
  start: ({ filter: refused }): Authorizer => ({
    mayPublish: () => 'allow',
    maySubscribe: (_identity, filter) => (filter === refused ? 'deny' : 'allow'),
  }),
})
