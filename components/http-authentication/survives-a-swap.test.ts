import { afterAll, expect, it } from 'vitest'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { JsonService } from '../../test/helpers/json-service.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { httpAuthenticationConfig } from './config.ts'
import type { HttpAuthentication } from './http-authentication.ts'
import { httpAuthentication } from './index.ts'

const [kind, strict] = await Promise.all([
  JsonService.start((request) => request.answer(200, { result: 'allow' })),
  JsonService.start((request) => request.answer(200, { result: 'deny' })),
])
afterAll(() => Promise.all([kind.stop(), strict.stop()]))

const peer = peerAt('192.0.2.7:5000')
const ask = async (instance: HttpAuthentication, userName?: string) =>
  (await instance.authenticate({ clientId: 'c', userName, password: undefined, peer })).result
const config = { url: kind.url }

survivesASwap<HttpAuthentication, { logger: RecordingLogger }>('httpAuthentication', {
  component: httpAuthentication,
  config,
  others: [
    { url: strict.url },
    { ...config, withoutCredentials: true },
    { ...config, cacheSeconds: 0 },
    { ...config, maximumCached: 1 },
    { ...config, headers: { authorization: 'x' }, maximumRequests: 1, breakerFailures: 1 },
  ],
  dependencies: () => ({ logger: new RecordingLogger() }),
  history: [
    (instance) => ask(instance, 'ann'),
    (instance) => ask(instance, 'bob'),
    (instance) => ask(instance, 'ann'),
    (instance) => ask(instance),
  ],
  observe: async (instance) => {
    const { cached, cachedBytes, isOpen } = instance
    const counters = { ...instance.counters }
    return [cached, cachedBytes, isOpen, counters, await ask(instance), await ask(instance, 'ann')]
  },
})

it('forgets the answers of another service, and those under way to it', async () => {
  const context = lifecycleContext('service')
  const dependencies = { logger: new RecordingLogger() }
  const instance = await httpAuthentication.start(httpAuthenticationConfig.parse(config), dependencies, context)
  await ask(instance, 'ann')
  const underWay = ask(instance, 'bob')
  const other = httpAuthenticationConfig.parse({ url: strict.url })
  const change = await httpAuthentication.adjust!(instance, other, dependencies, context)
  change.commit()
  await change.done?.()
  await underWay
  expect(instance.cached).toBe(0)
  expect([await ask(instance, 'ann'), await ask(instance, 'bob')]).toEqual(['deny', 'deny'])
  instance.stop()
})
