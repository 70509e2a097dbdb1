/** A webhook over a broker without a network. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import type { z } from 'zod'
import { TestFiles } from '../../test/helpers/certificates.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'
import { JsonService, type ServiceRequest } from '../../test/helpers/json-service.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { webhookConfig } from './config.ts'
import { HttpWebhook } from './http-webhook.ts'
import { measuresOf } from './measures.ts'
import { identified, sendBatch } from './send-batch.ts'

const ends: (() => unknown)[] = []
let broker: HandlerHarness
beforeEach(() => {
  broker = new HandlerHarness()
  ends.push(() => broker.stop())
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})
const serviceOf = async (answer: (request: ServiceRequest) => void): Promise<JsonService> => {
  const service = await JsonService.start(answer)
  ends.push(() => service.stop())
  return service
}
const start = (url: string, values: Omit<z.input<typeof webhookConfig>, 'url'>) => {
  const config = webhookConfig.parse({ url, batchMs: 1, minimumRetryMs: 10, maximumRetryMs: 20, drainMs: 0, ...values })
  const log = new RecordingLogger()
  const hook = new HttpWebhook('hook', config, broker.broker, log)
  hook.start()
  ends.push(() => hook.stop())
  return { hook, log }
}
const publish = (topic: string, payload = '') => broker.broker.publish({ topic, payload })

it('tells operators its numbers', async () => {
  const service = await serviceOf((request) => request.answer(service.requests.length === 1 ? 503 : 204))
  const { hook } = start(service.url, { filters: ['#'], events: [], maximumPayloadBytes: 1 })
  const numbers = () =>
    Object.fromEntries(
      measuresOf(hook).map(({ name, labels, read }) => [`${name} ${labels?.['reason'] ?? ''}`.trim(), read()]),
    )
  publish('a', 'too large')
  expect(numbers()).toMatchObject({ queued: 1, requesting: 0, failing: 0, taken: 1, sent: 0, without_payload: 1 })
  expect(numbers()['queue_size']).toBeGreaterThan(0)
  await eventually(() => expect(numbers()).toMatchObject({ failing: 1, request: 1, retry: 1, requesting: 1 }))
  await eventually(() => expect(numbers()).toMatchObject({ failing: 0, request: 2, sent: 1, queued: 0, requesting: 0 }))
  expect(numbers()).toMatchObject({ 'dropped full': 0, 'dropped failed': 0, 'dropped stopped': 0, queue_size: 0 })
})

it('drops and counts clients that connect while the queue is full, too', async () => {
  const { hook, log } = start((await serviceOf(() => {})).url, { events: ['connected'], maximumQueuedEvents: 1 })
  for (const clientId of ['a', 'b', 'c']) broker.connect({ clientId })
  expect([hook.queued, hook.counters.droppedFull]).toEqual([1, 2])
  expect(log.at('warn')).toMatchObject([{ message: expect.stringContaining('the queue for') }])
})

it('that stops while it waits for the next attempt counts its events as lost', async () => {
  const service = await serviceOf((request) => request.answer(503))
  const { hook, log } = start(service.url, {
    filters: ['#'],
    events: [],
    minimumRetryMs: 60_000,
    maximumRetryMs: 60_000,
  })
  publish('a')
  await eventually(() => expect(hook.counters.retries).toBe(1))
  await hook.stop()
  expect(hook.counters.droppedAtStop).toBe(1)
  expect(log.at('warn').at(-1)?.message).toMatch(/^Webhook stopped: 1 events for .* were not sent and are lost$/)
})

const send = (url: string, values: object = {}) => {
  const options = webhookConfig.parse({ url, filters: ['#'], ...values })
  return sendBatch(identified({ events: ['{}'], bytes: 2 }), options, 1, new AbortController().signal)
}

it.each([
  ['7', { retryAfterMs: 7_000 }],
  ['Wed, 21 Oct 2026 07:28:00 GMT', {}],
  [undefined, {}],
])('waits as long as a busy service says in seconds: Retry-After %s', async (seconds, expected) => {
  const { url } = await serviceOf(({ response }) => {
    if (seconds !== undefined) response.setHeader('retry-after', seconds)
    response.writeHead(429)
    response.end()
  })
  expect(await send(url)).toEqual({ outcome: 'failed', why: 'the service answered 429', ...expected })
})

it('says why a request failed: no answer, no service, or a secret that is empty', async () => {
  const files = new TestFiles()
  ends.push(() => files.remove())
  const { url } = await serviceOf(() => {})
  expect(await send(url, { timeoutMs: 100 })).toEqual({ outcome: 'failed', why: 'no answer within timeoutMs' })
  const closed = await serviceOf(() => {})
  await closed.stop()
  expect(await send(closed.url)).toMatchObject({ why: expect.stringContaining('ECONNREFUSED') })
  const secretFile = files.write('secret', '\n')
  expect(await send(url, { secretFile })).toEqual({ outcome: 'failed', why: `${secretFile} is empty` })
})
