import { afterAll } from 'vitest'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { FakeBroker } from '../../test/helpers/fake-broker.ts'
import { JsonService } from '../../test/helpers/json-service.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import type { HttpWebhook } from './http-webhook.ts'
import { webhook } from './index.ts'

interface Parts {
  readonly broker: FakeBroker
  readonly logger: RecordingLogger
}
const service = await JsonService.start((request) => request.answer(204))
afterAll(() => service.stop())

const config = { url: service.url, events: [], filters: ['a/#'], batchMs: 60_000, drainMs: 0 }
const publish =
  (topic: string) =>
  (_: HttpWebhook, { broker }: Parts) =>
    broker.publish({ topic, payload: 'x' })

survivesASwap<HttpWebhook, Parts>('webhook', {
  component: webhook,
  config,
  others: [
    { ...config, filters: ['b/#'] },
    { ...config, filters: ['a/#', 'b/#'], events: ['connected'] },
    { ...config, maximumQueuedEvents: 2 },
    { ...config, maximumPayloadBytes: 0 },
  ],
  dependencies: () => ({ broker: new FakeBroker(), logger: new RecordingLogger() }),
  history: [publish('a/1'), publish('b/1'), publish('a/2'), publish('a/3')],
  observe: (instance, { broker }) => {
    const { queued, queuedBytes, requesting, target } = instance
    return [queued, queuedBytes, requesting, target, { ...instance.counters }, broker.listeners.size]
  },
})
