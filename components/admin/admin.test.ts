import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Broker } from '../../src/kinds/broker.ts'
import type { BrokerInspector } from '../../src/kinds/broker-inspector.ts'
import type { Listener } from '../../src/kinds/listener.ts'
import type { LogTail, TailLine } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { LifecycleContext } from '../../src/system/define-system.ts'
import { clientInfo, FakeBroker } from '../../test/helpers/fake-broker.ts'
import { FakeHttpServer } from '../../test/helpers/fake-http-server.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { TestTracer } from '../../test/helpers/test-tracer.ts'
import type { Admin } from './admin.ts'
import { admin as component } from './index.ts'

const TOKEN = 'the-token-of-this-test'
const unixPeer: Peer = { address: '', port: 0, listener: 'unixSocket', transport: 'unix' }

/** A broker whose clients can be listed in steps. */
class ListedBroker extends FakeBroker {
  override get inspector(): BrokerInspector {
    const rows = [...this.connected.values()].map((client) => ({
      ...client,
      session: { ...client.session, subscriptions: client.session.subscriptions.length },
    }))
    return {
      ...{ counts: { clients: rows.length, sessions: 0, subscriptions: 0, retained: 0 }, clients: () => rows },
      ...{ sessions: () => [], subscriptions: () => [], topics: () => [], retainedMessage: () => undefined },
      retained: () => ({ messages: [], next: undefined }),
    }
  }
}

/** The last lines of a log that the test writes. */
class TestTail implements LogTail {
  readonly kept: TailLine[] = []
  readonly readers = new Set<(line: TailLine) => void>()
  get last(): number {
    return this.kept.length
  }
  lines(after = 0): readonly TailLine[] {
    return this.kept.slice(after)
  }
  onLine(reader: (line: TailLine) => void): () => void {
    this.readers.add(reader)
    return () => void this.readers.delete(reader)
  }
  write(content: object): void {
    this.kept.push({ number: this.kept.length + 1, json: JSON.stringify(content) })
    for (const reader of this.readers) reader(this.kept.at(-1)!)
  }
}

let folder: string
let http: FakeHttpServer
let broker: ListedBroker
let log: RecordingLogger
let listener: Listener
const started: { instance: Admin; context: LifecycleContext }[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'admin-'))
  http = new FakeHttpServer()
  broker = new ListedBroker()
  log = new RecordingLogger()
  listener = { listeners: [], bans: () => [], ban: () => undefined, unban: () => true } as unknown as Listener
})
afterEach(async () => {
  for (const { instance, context } of started.splice(0)) await component.stop!(instance, context)
  rmSync(folder, { recursive: true })
  vi.useRealTimers()
})

const start = async (
  parts: { tail?: LogTail; tracer?: TestTracer } = {},
  system: Partial<LifecycleContext['system']> = {},
  config: object = {},
) => {
  const context = lifecycleContext('admin')
  const whole = { ...context, system: { ...context.system, ...system } }
  const logger = Object.assign(log, parts.tail === undefined ? {} : { tail: parts.tail })
  const instance = await component.start(
    component.config.parse({ tokenFile: null, tokens: [{ name: 'test', token: TOKEN }], ...config }),
    { http, broker: broker as Broker, listener, logger, tracer: parts.tracer, users: undefined },
    whole,
  )
  started.push({ instance, context: whole })
  return instance
}
const authorization = { Authorization: `Bearer ${TOKEN}` }
const ask = async (method: string, path: string, body?: unknown) => {
  const json = { body: JSON.stringify(body), headers: { ...authorization, 'Content-Type': 'application/json' } }
  const response = await http.ask(`/api/v1${path}`, { method, headers: authorization, ...(body !== undefined && json) })
  return { status: response.status, body: (await response.json()) as { readonly error?: string; items?: unknown } }
}

describe('the admin API', () => {
  it('says at its start where it is, and where its token is', async () => {
    await start()
    expect(log.at('info').at(-1)!.message).toBe('Admin API on 127.0.0.1:80/api/v1')
    const other = new FakeHttpServer()
    http = other
    writeFileSync(join(folder, 'token'), TOKEN)
    await start({}, {}, { tokenFile: join(folder, 'token'), tokens: [] })
    expect(log.at('info').at(-1)!.message).toMatch(/^Admin API on .*, with the token in .*token$/)
  })

  it('answers a fault with 500, whose reason only the log has', async () => {
    listener.ban = () => {
      throw new Error('a secret reason')
    }
    await start()
    const answer = await ask('POST', '/bans', { address: '192.0.2.7', seconds: 60 })
    expect(answer).toEqual({ status: 500, body: { error: expect.stringContaining('The log of the broker') } })
    expect(log.at('error')).toMatchObject([{ err: { message: 'a secret reason' }, path: '/api/v1/bans' }])
  })

  it('names what is wrong with a request, or with its whole body', async () => {
    await start()
    expect((await ask('POST', '/bans', { address: 5, seconds: 1 })).body.error).toMatch(/^address: \w/)
    expect((await ask('POST', '/bans', 'a text')).body.error).toMatch(/^Invalid input/)
  })

  it('has no log lines and no traces without the parts for them, and says what to do', async () => {
    await start()
    expect(await ask('GET', '/log')).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('tailLines above 0') },
    })
    for (const path of ['/traces', '/traces/1/lines'])
      expect(await ask('GET', path)).toMatchObject({
        status: 404,
        body: { error: expect.stringContaining('Enable tracer and trace') },
      })
  })

  it('lists clients without a user name before others, by that name', async () => {
    broker.connected.set('b', clientInfo('b', { userName: 'bob' }))
    broker.connected.set('a', clientInfo('a'))
    await start()
    expect((await ask('GET', '/clients?sort=userName')).body.items).toMatchObject([{ id: 'a' }, { id: 'b' }])
    expect((await ask('GET', '/clients?sort=userName&order=desc')).body.items).toMatchObject([{ id: 'b' }, { id: 'a' }])
  })

  it('bans no client without an address', async () => {
    broker.connected.set('local', clientInfo('local', { peer: unixPeer }))
    await start()
    const answer = await ask('POST', '/clients/local/ban', { seconds: 60 })
    expect(answer).toEqual({ status: 409, body: { error: expect.stringContaining('as on a Unix socket') } })
  })

  it('shows why a component failed, whatever it failed with', async () => {
    const status = (name: string, error: unknown) => ({
      ...{ name, kind: 'Store', state: 'failed' as const, description: undefined, startMs: undefined, resumed: false },
      ...{ blockedBy: [], unready: undefined, error },
    })
    await start({}, { status: () => [status('a', new Error('no space left')), status('b', 'a text')] })
    expect((await ask('GET', '/components')).body.items).toMatchObject([
      { error: 'no space left' },
      { error: 'a text' },
    ])
  })

  it('has an overview before the system runs', async () => {
    const before = Date.now()
    await start({}, { state: 'starting', runningSinceMs: undefined })
    const { body } = await ask('GET', '/overview')
    expect(body).toMatchObject({ state: 'starting', uptimeSeconds: 0 })
    expect((body as { startedAtMs?: number }).startedAtMs).toBeGreaterThanOrEqual(before)
  })

  it('shows lines of the log with levels that have no name, and without a message', async () => {
    const tail = new TestTail()
    await start({ tail })
    tail.write({ level: 30, time: 5, msg: 'known', component: 'broker', pid: 1, hostname: 'h', id: 'a' })
    tail.write({ level: 35, time: 6 })
    expect((await ask('GET', '/log')).body.items).toEqual([
      { number: 1, timeMs: 5, level: 'info', component: 'broker', message: 'known', details: { id: 'a' } },
      { number: 2, timeMs: 6, level: '35', message: '', details: {} },
    ])
    expect(await ask('GET', '/log?after=2')).toMatchObject({ body: { items: [], next: null, total: 2 } })
  })
})

describe('an event stream', () => {
  const open = async (events: string) => {
    const response = await http.ask(`/api/v1/events?events=${events}`, { headers: authorization })
    const reader = response.body!.getReader()
    const read = async () => Buffer.from((await reader.read()).value!).toString()
    expect(await read()).toBe(': open\n\n')
    return { read, cancel: () => reader.cancel() }
  }

  it('gets only the events that it asked for', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const [tail, tracer] = [new TestTail(), new TestTracer()]
    await start({ tail, tracer })
    const { id } = tracer.start({ clientId: 'a' })
    const traces = await open('trace')
    tail.write({ level: 30, time: 5, msg: 'a line without a reader' })
    vi.advanceTimersByTime(1_000)
    tracer.add(id, 'a → PUBLISH')
    expect(await traces.read()).toMatch(/^:\n\nevent: trace\ndata: \{"traceId":"1",.*"text":"a → PUBLISH"/)
    const lines = await open('log')
    await traces.cancel()
    tracer.add(id, 'a line after the last reader')
    tail.write({ level: 40, time: 6, msg: 'disk is full' })
    expect(await lines.read()).toMatch(/^event: log\n.*disk is full/)
    await lines.cancel()
    expect([tail.readers.size, tracer.listeners, vi.getTimerCount()]).toEqual([0, 0, 1])
  })

  it('works without a log and without traces', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    await start()
    const stream = await open('overview,log,trace')
    vi.advanceTimersByTime(1_000)
    expect(await stream.read()).toMatch(/^event: overview\ndata: \{"version"/)
    await stream.cancel()
  })
})
