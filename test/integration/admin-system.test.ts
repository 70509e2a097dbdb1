/** The system, its events and its tokens in the admin API of a real broker, over HTTP. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tls } from '../../components/tls/index.ts'
import { Tracer } from '../../src/kinds/tracer.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { AdminBroker } from '../helpers/admin-broker.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { TestTracer } from '../helpers/test-tracer.ts'

const tracer = new TestTracer()
const testTracer = defineComponent({ provides: Tracer, needs: {}, config: z.object({}), start: () => tracer })

let api: AdminBroker
const clients: RealClient[] = []
const connect = async (
  ...args: Parameters<typeof RealClient.connect> extends [number, ...infer Rest] ? Rest : never
) => {
  const client = await RealClient.connect(api.broker.port, ...args)
  clients.push(client)
  return client
}
const READ_ONLY = 'read-only-read-only'
const files = new TestFiles()
beforeAll(async () => {
  const { server: own } = await testCertificates()
  api = await AdminBroker.start({
    entries: {
      tracer: { component: testTracer },
      secure: { component: tls, config: { port: 0, ...files.pair('own', own) }, dependencies: { logger: 'logger' } },
    },
    dependencies: { tracer: 'tracer' },
    admin: {
      tokens: [{ name: 'viewer', token: READ_ONLY, readOnly: true }],
      failedTokenBurst: 5,
      failedTokenRate: 0.001,
      maximumStreams: 4,
      maximumStreamBytes: 65_536,
    },
  })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.mqtt.end(true)
  await expect.poll(() => [...api.broker.map.broker.clients()].length).toBe(0)
  for (const { id } of api.broker.map.broker.sessions()) api.broker.map.broker.endSession(id)
})
afterAll(async () => {
  await api.stop()
  files.remove()
})

const lineOf = async (message: string | RegExp) => {
  const { body } = await api.get('/log?limit=1000')
  const items = body.items as unknown as { message: string; component: string; level: string; details: object }[]
  return items.find((line) =>
    typeof message === 'string' ? line.message.includes(message) : message.test(line.message),
  )
}

describe('the system', () => {
  it('has an overview', async () => {
    await connect(5, { clientId: 'one' })
    const { body } = await api.get('/overview')
    expect(body).toMatchObject({
      ...{
        version: expect.stringMatching(/^\d/),
        nodeVersion: process.version,
        state: 'running',
        clients: 1,
        sessions: 1,
      },
      ...{ subscriptions: 0, retained: 0, uptimeSeconds: expect.any(Number), startedAtMs: expect.any(Number) },
      eventLoop: { p50Ms: expect.any(Number), p99Ms: expect.any(Number), maxMs: expect.any(Number) },
      memory: { rssBytes: expect.any(Number), heapUsedBytes: expect.any(Number) },
      counters: { 'broker.connected': 1, 'server.ended{by="client"}': expect.any(Number) },
    })
  })

  it('has components, a wiring and listeners', async () => {
    const { body } = await api.get('/components')
    const items = body.items as unknown as { name: string }[]
    expect(items.find(({ name }) => name === 'server')).toEqual({
      ...{
        name: 'server',
        kind: 'Listener',
        state: 'running',
        description: expect.any(String),
        startMs: expect.any(Number),
      },
      blockedBy: [],
    })
    const graph = (await api.get('/graph')).body as { nodes?: object[]; edges?: object[] }
    expect(graph.nodes).toContainEqual(expect.objectContaining({ name: 'admin', state: 'running', enabled: true }))
    expect(graph.edges).toContainEqual({ from: 'admin', to: 'httpServer', role: 'http', active: true })
    const listeners = await api.get('/listeners')
    expect(listeners.body).toMatchObject({
      items: [
        { name: 'server', transport: 'tcp', address: `127.0.0.1:${api.broker.port}`, tls: false },
        { name: 'secure', transport: 'tls', tls: true, certificateDays: expect.closeTo(365, 0) },
      ],
      total: 2,
    })
  })

  it('reads the files again when told', async () => {
    const answer = await api.call('POST', '/components/reload')
    expect(answer.status).toBe(200)
    expect((answer.body.items as unknown as { name: string }[]).map(({ name }) => name)).toContain('admin')
    expect((await api.get('/components/plan')).status).toBe(501)
  })

  it('has a log, whose level can be set', async () => {
    expect((await api.get('/log/level')).body).toEqual({ level: 'info' })
    expect((await api.call('PUT', '/log/level', { level: 'loud' })).status).toBe(400)
    expect((await api.call('PUT', '/log/level', { level: 'warn' })).body).toEqual({ level: 'warn' })
    expect(await lineOf('Log level is set to warn by admin')).toMatchObject({ level: 'warn' })
    expect((await api.call('PUT', '/log/level', { level: 'info' })).body).toEqual({ level: 'info' })
    const first = await api.get('/log?limit=1')
    const [{ number }] = first.body.items as unknown as [{ number: number }]
    expect(first.body).toMatchObject({ next: null, total: number })
    const all = (await api.get('/log?after=0&limit=2')).body as unknown as { items: { number: number }[]; next: string }
    expect(all.items.map((line) => line.number)).toEqual([1, 2])
    expect(all.next).toBe('2')
    expect((await api.get('/log?after=-1')).status).toBe(400)
    expect(await lineOf('Admin API on')).toMatchObject({ component: 'admin', timeMs: expect.any(Number) })
  })

  it('has traces', async () => {
    expect((await api.get('/traces')).body).toEqual({ items: [], next: null, total: 0 })
    expect((await api.call('POST', '/traces', {})).status).toBe(400)
    const started = await api.call('POST', '/traces', { clientId: 'a', seconds: 5 })
    expect(started.body).toEqual({
      ...{ id: '1', filter: { clientId: 'a' }, payloads: false, startedAtMs: 1, endsAtMs: 5_001, isRunning: true },
      ...{ lines: 0, missed: 0 },
    })
    for (const text of ['one', 'two', 'three']) tracer.add('1', text)
    const lines = await api.get('/traces/1/lines?after=1&limit=1')
    expect(lines.body).toMatchObject({
      items: [{ number: 2, text: 'two', timeMs: 5, fields: { qos: 1 } }],
      next: '2',
      total: 3,
    })
    await api.call('POST', '/traces', { topic: 'x' })
    expect((await api.call('POST', '/traces', { topic: 'y' })).status).toBe(409)
    for (const id of ['1', '2']) expect((await api.call('DELETE', `/traces/${id}`)).status).toBe(200)
    expect((await api.get('/traces/1/lines')).status).toBe(404)
    expect((await api.call('DELETE', '/traces/1')).status).toBe(404)
  })
})

describe('hostile requests', () => {
  it.each([
    '/clients?limit=0',
    '/clients?limit=1001',
    '/clients?limit=1e9',
    '/clients?limit=x',
    '/clients?after=x',
    `/clients?after=${'A'.repeat(5_000)}`,
    `/clients?after=${Buffer.from('["id",false,{"a":1},"x"]').toString('base64url')}`,
    `/clients?after=${Buffer.from('["address",false,"a","x"]').toString('base64url')}`,
    '/clients?order=up',
    '/events?events=secrets',
    '/traces/1/lines?after=1.5',
  ])('%s gets 400 with a sentence', async (path) => {
    expect(await api.get(path)).toMatchObject({ status: 400, body: { error: expect.stringMatching(/\w/) } })
  })

  it.each([
    '/nothing',
    '/clients/__proto__',
    '/sessions/constructor',
    '/traces/hasOwnProperty/lines',
    '/clients/..%2f..%2fetc',
  ])('%s gets 404', async (path) => expect((await api.get(path)).status).toBe(404))

  it('malformed JSON and other forms of bodies get 400', async () => {
    const post = (body: string, type: string) =>
      api.fetch('/publish', { method: 'POST', body, headers: { 'Content-Type': type } })
    for (const answer of [
      await post('{', 'application/json'),
      await post('topic=t', 'application/x-www-form-urlencoded'),
      await post('', 'text/plain'),
    ]) {
      expect(answer.status).toBe(400)
      expect(await answer.json()).toEqual({ error: expect.any(String) })
    }
  })

  it('a body that is too large gets 413', async () => {
    expect((await api.call('POST', '/publish', { topic: 't', payload: 'x'.repeat(70_000) })).status).toBe(413)
  })
})

describe('event streams', () => {
  const open = async (query = '', token = api.token) => {
    const abort = new AbortController()
    const headers = { Authorization: `Bearer ${token}` }
    const response = await api.fetch(`/events${query}`, { signal: abort.signal, headers })
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    return {
      response,
      close: () => abort.abort(),
      /** Reads until there is an event that fits. */
      find: async (wanted: RegExp): Promise<string> => {
        for (;;) {
          const found = wanted.exec(text)
          if (found !== null) return found[0]
          const { done, value } = await reader!.read()
          if (done) return 'closed'
          text += value
        }
      },
    }
  }
  const streams = async () => (await api.get('/overview')).body.counters as unknown as Record<string, number>

  it('bring the overview, lines of the log and of traces, and leave nothing behind', async () => {
    const stream = await open()
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    await connect(5, { clientId: 'streamed' })
    expect(await stream.find(/event: log\ndata: .*Client connected: streamed.*\n\n/)).toContain(
      '"component":"mqttHandler"',
    )
    const overview = await stream.find(/event: overview\ndata: .*\n\n/)
    expect(JSON.parse(overview.split('data: ')[1]!)).toMatchObject({ clients: 1, state: 'running' })
    await api.call('POST', '/traces', { clientId: 'a' })
    tracer.add('1', 'kitchen → PUBLISH')
    expect(await stream.find(/event: trace\ndata: .*\n\n/)).toContain('"traceId":"1"')
    await api.call('DELETE', '/traces/1')
    expect([(await streams())['admin.open'], tracer.listeners]).toEqual([1, 1])
    stream.close()
    await expect.poll(async () => [(await streams())['admin.open'], tracer.listeners]).toEqual([0, 0])
  })

  it('end when a token changed, since they may have been opened with the old one', async () => {
    const stream = await open('?events=log')
    const file = join(api.folder, 'token')
    writeFileSync(file, 'another-token-than-before')
    const answer = await api.call('POST', '/components/reload')
    expect(answer.status).toBe(200)
    expect(await stream.find(/never/)).toBe('closed')
    writeFileSync(file, api.token)
    await api.fetch('/components/reload', {
      method: 'POST',
      headers: { Authorization: 'Bearer another-token-than-before' },
    })
    expect((await api.get('/overview')).status).toBe(200)
  })

  it('are not opened by a HEAD request', async () => {
    for (let count = 0; count < 3; count += 1) expect((await api.fetch('/events', { method: 'HEAD' })).status).toBe(200)
    expect((await streams())['admin.open']).toBe(0)
  })

  it('are bounded in number, and a token that may only read cannot use up all', async () => {
    const all = [await open('?events=overview', READ_ONLY), await open('?events=log,trace', READ_ONLY)]
    const refused = await open('', READ_ONLY)
    expect(refused.response.status).toBe(429)
    expect(await refused.find(/"error":"The token viewer has all .*half of maximumStreams/)).not.toBe('closed')
    all.push(await open())
    const full = await open()
    expect(full.response.status).toBe(503)
    expect(await full.find(/"error":".*\(maximumStreams\)/)).not.toBe('closed')
    const counters = await streams()
    expect([counters['admin.not_opened{reason="share"}'], counters['admin.not_opened{reason="full"}']]).toEqual([1, 1])
    for (const stream of all) stream.close()
    await expect.poll(async () => (await streams())['admin.open']).toBe(0)
  })
})

it('a broker that stops ends its event streams', async () => {
  const other = await AdminBroker.start({ http: { drainMs: 60_000 } })
  const response = await other.fetch('/events?events=log')
  const [text] = await Promise.all([response.text(), other.stop()])
  expect(text).toContain(': open')
})

describe('tokens', () => {
  it('are needed for each request, also for the description of the API', async () => {
    for (const path of ['/overview', '/openapi.json', '/events', '/nothing']) {
      const response = await fetch(`${api.url}/api/v1${path}`)
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect(await response.json()).toEqual({ error: expect.stringContaining('Authorization: Bearer TOKEN') })
    }
    expect((await api.get('/openapi.json')).body).toMatchObject({ openapi: '3.1.0' })
  })

  it('that may only read change nothing', async () => {
    const headers = { Authorization: `Bearer ${READ_ONLY}` }
    expect((await api.fetch('/overview', { headers })).status).toBe(200)
    for (const [method, path] of [
      ['DELETE', '/clients/x'],
      ['POST', '/components/reload'],
      ['PUT', '/log/level'],
      ['POST', '/publish'],
    ] as const) {
      expect((await api.fetch(path, { method, headers })).status).toBe(403)
    }
    expect(await lineOf(/Admin call by viewer from 127\.0\.0\.1:\d+: POST \/publish \(403\)/)).toBeDefined()
  })

  it('that are wrong are refused, and after some each request of their address without a valid one', async () => {
    const guess = async (token: string) =>
      (await api.fetch('/overview', { headers: { Authorization: `Bearer ${token}` } })).status
    const answers: number[] = []
    for (let number = 0; number < 7; number += 1) answers.push(await guess(`guess-${number}`))
    expect(answers).toEqual([401, 401, 401, 401, 401, 429, 429])
    expect([await guess(''), await guess('x'.repeat(10_000))]).toEqual([429, 429])
    const { body } = await api.get('/log?limit=1000')
    const lines = body.items as unknown as { message: string }[]
    expect(lines.filter(({ message }) => message.includes('refused a wrong token'))).toHaveLength(5)
  })

  it('that are valid work, whatever else their address sends', async () => {
    for (let number = 0; number < 20; number += 1)
      await api.fetch('/overview', { headers: { Authorization: `Bearer wrong-${number}` } })
    expect((await api.fetch('/overview', { headers: { Authorization: 'Bearer wrong' } })).status).toBe(429)
    expect((await api.get('/overview')).status).toBe(200)
    const headers = { Authorization: `Bearer ${READ_ONLY}` }
    expect((await api.fetch('/overview', { headers })).status).toBe(200)
  })
})
