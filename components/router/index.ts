import { z } from 'zod'
import { Router } from '../../src/kinds/router.ts'
import { SHARED_SUBSCRIPTION_POLICIES } from '../../src/mqtt/shared-subscription.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { LocalRouter, type RouterState } from './local-router.ts'

/** Decides who receives a message, among the subscribers of this process. */
export const router = defineComponent({
  provides: Router,
  needs: {},
  config: z.strictObject({
    sharedSubscriptionPolicy: z
      .enum(SHARED_SUBSCRIPTION_POLICIES)
      .default('round-robin')
      .describe('How a Shared Subscription chooses the member that gets a message, among those that are connected.'),
  }),
  start: ({ sharedSubscriptionPolicy }) => new LocalRouter(sharedSubscriptionPolicy),
  adjust: (instance, { sharedSubscriptionPolicy }) => instance.adjust(sharedSubscriptionPolicy),
  handover: {
    format: 'mqtt-jig router',
    version: 1,
    prepare: ({ sharedSubscriptionPolicy }) => new LocalRouter(sharedSubscriptionPolicy),
    give: (instance) => instance.handOver(),
    take: (instance, state) => {
      instance.takeOver(state as RouterState)
      // It changes nothing of what is shared.
      return () => {}
    },
    retire: () => {},
    census: ({ subscriptions, sharedSubscriptions }) => ({ subscriptions, sharedSubscriptions }),
  },
  measure: (instance) => [
    {
      name: 'subscriptions',
      help: 'Subscriptions of all sessions, to Shared Subscriptions as well.',
      unit: 'subscriptions',
      kind: 'gauge',
      read: () => instance.subscriptions,
    },
    {
      name: 'shared',
      help: 'Those of them to Shared Subscriptions.',
      unit: 'subscriptions',
      kind: 'gauge',
      read: () => instance.sharedSubscriptions,
    },
  ],
})
