import { describe } from 'vitest'
import { SHARED_SUBSCRIPTION_POLICIES } from '../../src/mqtt/shared-subscription.ts'
import { routerContract } from '../../test/contract/router.ts'
import { LocalRouter } from './local-router.ts'

describe.each(SHARED_SUBSCRIPTION_POLICIES)('with the policy %s', (policy) => {
  routerContract('router', () => new LocalRouter(policy))
})
