import { createHmac } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { HttpWebhook } from '../../components/webhook/http-webhook.ts'
import { webhook } from '../../components/webhook/index.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent, type SystemMap } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { JsonService, type ServiceRequest } from '../helpers/json-service.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { quietSystem } from '../helpers/start-broker.ts'

interface Event {
  readonly event: string
  readonly [field: string]: unknown
}

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const serviceOf = async (answer: (request: ServiceRequest) => void): Promise<JsonService> => {
  const service = await JsonService.start(answer)
  ends.push(() => service.stop())
  return service
}
const ok = (request: ServiceRequest): void => request.answer(204)
const eventsOf = ({ body }: ServiceRequest): readonly Event[] => (body as { events: Event[] }).events
const allEvents = ({ requests }: JsonService): readonly Event[] => requests.flatMap(eventsOf)

const start = async (url: string, values: Omit<z.input<typeof webhook.config>, 'url'>, more: object = {}) => {
  const config = { url, batchMs: 5, minimumRetryMs: 10, maximumRetryMs: 20, ...values }
  const hook = { component: webhook, config, dependencies: { broker: 'broker', logger: 'logger' } }
  const system = createSystem({ ...quietSystem, hook, ...more })
  await system.start()
  ends.push(() => system.stop().catch(() => {}))
  const map = system.map as unknown as SystemMap<typeof quietSystem> & { readonly hook: HttpWebhook }
  const publish = (topic: string, payload: string | Uint8Array = '') => map.broker.publish({ topic, payload })
  return { map, publish, hook: map.hook, counters: map.hook.counters, stop: () => system.stop() }
}

/** An entry of the system with a logger that keeps its lines. */
const recorded = () => {
  const log = new RecordingLogger()
  const component = defineComponent({
    provides: Logger,
    needs: {},
    config: z.strictObject({}),
    start: () => log as Logger,
  })
  return { logger: { component }, lines: log.lines }
}

describe('a webhook', () => {
  it('sends clients that connect and disconnect', async () => {
    const service = await serviceOf(ok)
    const { map } = await start(service.url, {})
    const client = await RealClient.connect(map.server.port, 5, { clientId: 'kitchen', username: 'bob', keepalive: 30 })
    await client.end()
    await eventually(() => expect(allEvents(service)).toHaveLength(2))
    const common = {
      clientId: 'kitchen',
      userName: 'bob',
      address: '127.0.0.1',
      listener: 'server',
      protocolVersion: 5,
    }
    expect(allEvents(service)).toMatchObject([
      {
        event: 'connected',
        ...common,
        transport: 'tcp',
        keepAliveSeconds: 30,
        cleanStart: true,
        sessionPresent: false,
      },
      { event: 'disconnected', ...common, by: 'client', reasonCode: 0 },
    ])
    expect(Math.abs((allEvents(service)[0]!['atMs'] as number) - Date.now())).toBeLessThan(600_000)
  })

  it('sends messages that a filter matches, once, as text, or base64 if they are no text', async () => {
    const service = await serviceOf(ok)
    const { publish } = await start(service.url, { filters: ['a/#', '+/b'], events: [], maximumPayloadBytes: 10 })
    publish('a/b', 'grün')
    publish('a/c', Uint8Array.of(0xff, 0))
    publish('other')
    publish('a/d', 'x'.repeat(11))
    await eventually(() => expect(allEvents(service)).toHaveLength(3))
    const message = { event: 'message', atMs: expect.any(Number), qos: 0, retain: false }
    expect(allEvents(service)).toEqual([
      { ...message, topic: 'a/b', payloadBytes: 5, payload: 'grün' },
      { ...message, topic: 'a/c', payloadBytes: 2, payloadBase64: '/wA=' },
      { ...message, topic: 'a/d', payloadBytes: 11 },
    ])
  })

  it('sends batches of events, of bytes, and what is there after a time', async () => {
    const held: ServiceRequest[] = []
    const service = await serviceOf((request) => {
      if (service.requests.length === 1) held.push(request)
      else request.answer(200)
    })
    const limits = { batchEvents: 3, batchBytes: 1_024 }
    const { publish } = await start(service.url, { filters: ['#'], events: [], ...limits })
    publish('first')
    await eventually(() => expect(held).toHaveLength(1))
    // All these wait for the first request.
    for (const payload of ['1', '2', '3', 'x'.repeat(900), 'y'.repeat(900), '4']) publish('a', payload)
    held[0]!.answer(200)
    await eventually(() => expect(allEvents(service)).toHaveLength(7))
    expect(service.requests.map((request) => eventsOf(request).length)).toEqual([1, 3, 1, 1, 1])
  })

  it('sends a batch again after a failure, with the same identifier, and in order', async () => {
    const service = await serviceOf((request) => {
      const { length } = service.requests
      if (length === 1) request.answer(503)
      else if (length === 2) request.response.destroy()
      else if (length === 3) request.answer(429)
      else request.answer(200)
    })
    const { publish, counters, hook } = await start(service.url, { filters: ['#'], events: [] })
    publish('a', '1')
    await eventually(() => expect(counters.sent).toBe(1))
    publish('a', '2')
    await eventually(() => expect(counters.sent).toBe(2))
    expect(hook.failing).toBe(false)
    expect(allEvents(service).map(({ payload }) => payload)).toEqual(['1', '1', '1', '1', '2'])
    const ids = service.requests.map(({ headers }) => headers['x-mqtt-jig-batch'])
    expect(new Set(ids.slice(0, 4)).size).toBe(1)
    expect(ids[4]).not.toBe(ids[0])
    expect(service.requests.map(({ headers }) => headers['x-mqtt-jig-attempt'])).toEqual(['1', '2', '3', '4', '1'])
  })

  it('drops a batch that is refused or fails too often, and goes on', async () => {
    const service = await serviceOf((request) => {
      const [{ payload } = {}] = eventsOf(request) as readonly { payload?: string }[]
      request.answer(payload === 'bad' ? 400 : payload === 'down' ? 500 : 200)
    })
    const values = { filters: ['#'], events: [], batchEvents: 1, maximumAttempts: 3 }
    const { publish, counters } = await start(service.url, values)
    for (const payload of ['bad', 'down', 'good']) publish('a', payload)
    await eventually(() => expect(counters.sent).toBe(1))
    expect(counters).toMatchObject({ droppedFailed: 2, requests: 5, retries: 2 })
  })

  it('signs requests, and reads its secrets for each of them', async () => {
    const files = new TestFiles()
    ends.push(() => files.remove())
    const service = await serviceOf(ok)
    const secrets = {
      secretFile: files.write('secret', 'first\n'),
      authorizationFile: files.write('token', 'Bearer one\n'),
    }
    const { publish } = await start(service.url, { filters: ['#'], events: [], ...secrets, headers: { 'x-site': '7' } })
    publish('a', '1')
    await eventually(() => expect(service.requests).toHaveLength(1))
    files.write('secret', 'second')
    files.write('token', 'Bearer two')
    publish('a', '2')
    await eventually(() => expect(service.requests).toHaveLength(2))
    for (const [index, [secret, token]] of [
      ['first', 'one'],
      ['second', 'two'],
    ].entries()) {
      const { headers, body } = service.requests[index]!
      expect(headers).toMatchObject({
        authorization: `Bearer ${token}`,
        'x-site': '7',
        'content-type': 'application/json',
      })
      const [, seconds, found] = /^t=(\d+),v1=(\w+)$/.exec(headers['x-mqtt-jig-signature'] as string)!
      const mac = createHmac('sha256', secret!)
        .update(`${seconds}.${JSON.stringify(body)}`)
        .digest('hex')
      expect(found).toBe(mac)
    }
  })

  it('says nothing of a secret that no header may hold', async () => {
    const files = new TestFiles()
    ends.push(() => files.remove())
    const authorizationFile = files.write('token', 'Bearer hidden\nsecond line\n')
    const { logger, lines } = recorded()
    const { publish, hook } = await start(
      'http://127.0.0.1:1/',
      { filters: ['#'], events: [], authorizationFile },
      { logger },
    )
    publish('a', '1')
    await eventually(() => expect(hook.lastFailure).toContain(authorizationFile))
    expect(`${hook.lastFailure}${JSON.stringify(lines)}`).not.toContain('hidden')
  })

  it('logs a service that refuses and accepts in turns once in a time, not for each batch', async () => {
    const service = await serviceOf((request) => request.answer(service.requests.length % 2 === 1 ? 400 : 200))
    const { logger, lines } = recorded()
    const { publish, counters } = await start(service.url, { filters: ['#'], events: [], batchEvents: 1 }, { logger })
    for (let number = 0; number < 20; number += 1) publish('a', `${number}`)
    await eventually(() => expect(counters.sent).toBe(10))
    expect(counters.droppedFailed).toBe(10)
    const messages = lines.map(({ message }) => message).filter((message) => message.startsWith('Webhook'))
    expect(messages).toEqual([expect.stringContaining('Webhook dropped 1 events')])
  })

  it('never slows the broker: a service that does not answer costs only the events beyond the bound', async () => {
    const service = await serviceOf(() => {})
    const values = { filters: ['#'], events: [], maximumQueuedEvents: 10, batchEvents: 4, drainMs: 0 }
    const { map, publish, counters, hook, stop } = await start(service.url, values)
    const client = await RealClient.connect(map.server.port, 5)
    ends.push(() => client.mqtt.end(true))
    await client.mqtt.subscribeAsync('a')
    for (let number = 0; number < 1_000; number += 1) publish('a', `${number}`)
    expect(await client.take(1_000)).toHaveLength(1_000)
    expect(hook.queued).toBe(10)
    expect(counters).toMatchObject({ queued: 10, droppedFull: 990 })
    client.mqtt.end(true)
    await stop()
    expect(counters.droppedAtStop).toBe(10)
  })

  it('bounds the bytes that wait', async () => {
    const service = await serviceOf(() => {})
    const values = { filters: ['#'], events: [], maximumQueuedBytes: 65_536, drainMs: 0 }
    const { publish, counters, hook } = await start(service.url, values)
    for (let number = 0; number < 100; number += 1) publish('a', 'x'.repeat(10_000))
    expect(hook.queued).toBe(6)
    expect(hook.queuedBytes).toBeLessThanOrEqual(65_536)
    expect(counters.droppedFull).toBe(94)
  })

  it('sends what is queued before it stops', async () => {
    const service = await serviceOf(ok)
    const { publish, stop, counters } = await start(service.url, {
      filters: ['#'],
      events: [],
      batchMs: 60_000,
      batchEvents: 2,
    })
    for (let number = 0; number < 5; number += 1) publish('a', `${number}`)
    await stop()
    expect(allEvents(service).map(({ payload }) => payload)).toEqual(['0', '1', '2', '3', '4'])
    expect(counters.droppedAtStop).toBe(0)
  })

  it('hands what it has not sent to its successor at a reset, without waiting for the service', async () => {
    const service = await serviceOf(() => {})
    const values = { filters: ['#'], events: [], batchEvents: 2, drainMs: 60_000 } as const
    const config = { url: service.url, batchMs: 5, ...values }
    const hook = { component: webhook, config, dependencies: { broker: 'broker', logger: 'logger' } }
    const first = createSystem({ ...quietSystem, hook })
    await first.start()
    for (let number = 0; number < 5; number += 1) first.map.broker.publish({ topic: 'a', payload: `${number}` })
    await service.requested(1)
    const suspended = await first.suspend()
    expect(suspended.errors).toEqual([])
    service.answer = ok
    const second = createSystem({ ...quietSystem, hook }, { suspended })
    await second.start()
    ends.push(() => second.stop())
    await eventually(() => expect(service.requests).toHaveLength(4))
    expect(allEvents(service).map(({ payload }) => payload)).toEqual(['0', '1', '0', '1', '2', '3', '4'])
    const ids = service.requests.map(({ headers }) => headers['x-mqtt-jig-batch'])
    expect(ids[1]).toBe(ids[0])
    await eventually(() => expect((second.map as unknown as { hook: HttpWebhook }).hook.queued).toBe(0))
  })
})
