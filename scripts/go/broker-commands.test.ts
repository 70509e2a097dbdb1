import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { Broker } from '../../src/kinds/broker.ts'
import { type Ban, Listener } from '../../src/kinds/listener.ts'
import { Message } from '../../src/mqtt/message.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createDev, type Dev } from '../../src/system/dev.ts'
import { clientInfo, FakeBroker, sessionInfo } from '../../test/helpers/fake-broker.ts'
import { endWatches } from './broker-commands.ts'
import { createCommands } from './commands.ts'
import { clientsOf } from './running.ts'
import { TracePrinter } from './trace-printer.ts'
import { Watches } from './watches.ts'

let broker: FakeBroker
/** The system has a broker, which is under a name of its own. */
let hasBroker: boolean
let failing: boolean
let connections: number
let bans: Ban[]
let disconnected: number
let dev: Dev
let watches: Watches
let printed: string[]
let commands: ReturnType<typeof createCommands>

const counters = {
  accepted: 0,
  refused: 0,
  refusedByListener: 0,
  refusedByAddress: 0,
  refusedByRate: 0,
  refusedByBan: 0,
  failedAuthentications: 0,
  bans: 0,
  bytesReceived: 0,
  bytesSent: 0,
  endedByClient: 0,
  endedByNetwork: 0,
  endedByBroker: 0,
  slowReaders: 0,
}

beforeEach(() => {
  broker = new FakeBroker()
  hasBroker = true
  failing = false
  connections = 0
  bans = []
  disconnected = 0
  printed = []
  const parts = (): object => ({
    listener: {
      component: defineComponent({
        provides: Listener,
        needs: {},
        config: z.object({}),
        start: () => {
          if (failing) throw new Error('no port')
          return {
            host: '127.0.0.1',
            port: 1,
            connections,
            listeners: [],
            counters,
            draining: false,
            bans: () => bans,
            ban: (address: string) => {
              if (address === 'kitchen') throw new TypeError('not kitchen')
              bans.push({ address, untilMs: Date.now() + 90_000, byOperator: true })
            },
            unban: (address: string) => address === bans.pop()?.address,
          }
        },
        measure: (instance) => [
          { name: 'open', help: 'Open.', unit: 'connections', kind: 'gauge', read: () => instance.connections },
          { name: 'pending', help: 'Bytes.', unit: 'bytes', kind: 'gauge', read: () => 1_572_864 },
          { name: 'refused', help: 'Refused.', unit: 'connections', kind: 'counter', read: () => 0 },
          ...['Not authorized (0x87)', 'Server busy (0x89)'].map((reason) => ({
            name: 'refused',
            help: 'Refused.',
            unit: 'clients',
            kind: 'counter' as const,
            read: () => 3,
            labels: { reason },
          })),
        ],
      }),
    },
    ...(hasBroker && {
      heart: { component: defineComponent({ provides: Broker, needs: {}, config: z.object({}), start: () => broker }) },
    }),
  })
  dev = createDev({
    load: async () => ({ config: parts(), changed: ['a.ts', 'b.ts'] }),
    onReplace: (running) => {
      disconnected = clientsOf(running) ?? 0
    },
  })
  watches = new Watches({ print: (text) => printed.push(text), colors: () => false })
  commands = createCommands({
    dev,
    drawGraph: async (file) => `drawn ${file}`,
    print: (text) => printed.push(text),
    loadFile: async () => ({}),
    afterReset: () => undefined,
    disconnected: () => disconnected,
    ask: async () => undefined,
    watches,
    traces: new TracePrinter(() => undefined),
  })
})

afterEach(async () => {
  watches.end()
  await dev.close()
})

/** Calls a command. */
const call = (name: string, ...args: unknown[]): unknown =>
  (commands[name] as unknown as { call: (...args: unknown[]) => unknown }).call(...args)

/** Calls a command and returns what the prompt would print. */
const shown = async (name: string, ...args: unknown[]): Promise<string> => inspect(await call(name, ...args))

test('retry() needs a system that runs, and says when there is nothing to start', async () => {
  await expect(call('retry')).rejects.toThrow('nothing is running: go() starts the system')
  await call('go')
  expect(await shown('retry')).toBe('All components run: there is nothing to start.')
})

test('without a broker, the commands say so', async () => {
  const asking = ['clients', 'client', 'topics', 'retained', 'watch', 'publish', 'disconnect']
  for (const name of asking) expect(() => call(name, 'a')).toThrow('nothing is running: go() starts the system')
  hasBroker = false
  await call('go')
  for (const name of asking)
    expect(() => call(name, 'a')).toThrow('this system has no broker: no component that runs provides the kind Broker')
})

test('clients() is a table, and a list to work with', async () => {
  await call('go')
  expect(await shown('clients')).toBe('No client is connected.')
  const session = sessionInfo('kitchen', { subscriptions: [{ filter: 'a', qos: 1 }], inflight: 2, waiting: 30_000 })
  const connectedAtMs = Date.now() - 192_000
  broker.connected.set(
    'kitchen',
    clientInfo('kitchen', { userName: 'bob', session, connectedAtMs, pendingBytes: 2048 }),
  )
  broker.connected.set('e\u001b[2Jvil', clientInfo('e\u001b[2Jvil', { protocolVersion: 3, connectedAtMs }))
  const text = await shown('clients')
  expect(text).toMatch(/^client +user +address +MQTT +connected for +subscriptions +in flight +waiting +to send$/m)
  expect(text).toMatch(/^kitchen +bob +127\.0\.0\.1:50000 +5\.0 +3 min 12 s +1 +2 +30,000 +2\.0 KiB$/m)
  expect(text).toMatch(/^e\\u\{1b\}\[2Jvil +127\.0\.0\.1:50000 +3\.1 +3 min 12 s$/m)
  expect(text).toMatch(/^2 clients$/m)
  expect((call('clients') as object[]).map((client) => (client as { id: string }).id)).toEqual([
    'kitchen',
    'e\u001b[2Jvil',
  ])
})

test('a table ends after 100 rows, and shows how many more there are', async () => {
  await call('go')
  for (let index = 0; index < 1234; index += 1) broker.connected.set(`c${index}`, clientInfo(`c${index}`))
  const lines = (await shown('clients')).split('\n')
  expect(lines).toHaveLength(103)
  expect(lines.slice(-2)).toEqual(['... and 1,134 clients more', '1,234 clients'])
  expect(call('clients')).toHaveLength(1234)
})

test('tables have colours where there are colours, and none otherwise', async () => {
  await call('go')
  broker.connected.set('kitchen', clientInfo('kitchen'))
  expect(inspect(call('clients'), { colors: true })).toContain('\u001b[36mkitchen\u001b[39m')
  expect(await shown('clients')).not.toContain('\u001b')
})

test('client() tells what is known of a client, connected or not', async () => {
  await call('go')
  const subscriptions = [{ filter: 'a/+', qos: 2 as const }]
  broker.connected.set('kitchen', clientInfo('kitchen', { session: sessionInfo('kitchen', { subscriptions }) }))
  const disconnectedAtMs = Date.now() - 3_600_000
  broker.away.set('hall', sessionInfo('hall', { connected: false, disconnectedAtMs, expiryIntervalSeconds: 86_400 }))
  const text = await shown('client', 'kitchen')
  expect(text).toMatch(/^kitchen\n/)
  expect(text).toMatch(/keep alive +60 s$/m)
  expect(text).toMatch(/session expires +with the connection$/m)
  expect(text).toMatch(/subscriptions +1 filter\n +a\/\+ \(QoS 2\)$/m)
  expect(await shown('client', 'hall')).toMatch(/disconnected for +1 h\n +session expires +1 d after the connection$/m)
  expect(() => call('client', 'kitche')).toThrow(
    "no client 'kitche' is connected, and it has no session; did you mean 'kitchen'?",
  )
  expect(() => call('client')).toThrow("client takes a Client Identifier: client('kitchen')")
})

test('retained() lists what a filter matches, with the beginning of each payload', async () => {
  await call('go')
  const keep = (topic: string, payload: Buffer): void =>
    void broker.kept.set(topic, Message.of({ topic, payload, qos: 1, retain: true }))
  keep('a/text', Buffer.from('on\nand\u001b[2J on'))
  keep('a/bytes', Buffer.from([0xff, 0x00, 0x7f]))
  keep('a/long', Buffer.from('é'.repeat(300)))
  keep('b', Buffer.alloc(0))
  const text = await shown('retained', 'a/#')
  expect(text).toMatch(/^topic +QoS +size +payload$/m)
  expect(text).toMatch(/^a\/text +1 +13 B +on and\\u\{1b\}\[2J on$/m)
  expect(text).toMatch(/^a\/bytes +1 +3 B +ff 00 7f \(3 bytes\)$/m)
  expect(text).toMatch(/^a\/long +1 +600 B +é+…$/m)
  expect(text).toMatch(/^3 retained messages$/m)
  expect(await shown('retained')).toMatch(/^b +1 +0 B +\(empty\)$/m)
  expect((call('retained', 'b') as Message[])[0]!.topic).toBe('b')
  expect(await shown('retained', 'c')).toBe('No retained message matches.')
  expect(() => call('retained', 'a#b')).toThrow("'a#b' is not a Topic Filter")
  expect(() => call('retained', 5)).toThrow("retained takes a filter: retained('a/#')")
})

test('topics() lists retained topics and the filters of sessions with their counts', async () => {
  await call('go')
  expect(await shown('topics')).toBe('No message is retained.\nNo session has a subscription.')
  broker.kept.set('b', Message.of({ topic: 'b' })).set('a', Message.of({ topic: 'a' }))
  const subscribed = (...filters: string[]) => ({
    subscriptions: filters.map((filter) => ({ filter, qos: 0 as const })),
  })
  broker.connected.set('1', clientInfo('1', { session: sessionInfo('1', subscribed('x', 'y/#')) }))
  broker.away.set('2', sessionInfo('2', subscribed('y/#')))
  expect(await shown('topics')).toBe(
    [
      'Topics with a retained message',
      '  a',
      '  b',
      'Topic Filters that sessions subscribe to',
      '  y/#  2 sessions',
      '  x    1 session',
    ].join('\n'),
  )
  expect(call('topics')).toMatchObject({
    retained: ['a', 'b'],
    filters: [{ filter: 'y/#', sessions: 2 }, { filter: 'x' }],
  })
})

test('topics() looks at so many sessions and no more', async () => {
  await call('go')
  let looked = 0
  vi.spyOn(broker, 'sessions').mockImplementation(function* () {
    for (;;) {
      looked += 1
      yield sessionInfo(`${looked}`)
    }
  })
  expect(await shown('topics')).toContain('Only 10,000 sessions were looked at.')
  expect(looked).toBeLessThanOrEqual(10_001)
})

test('publish() accepts texts, bytes and objects, and reports the number of subscribers', async () => {
  await call('go')
  expect(await shown('publish', 'a/b', 'text')).toBe('Published to a/b: no subscriber.')
  call('watch', 'a/#')
  expect(await shown('publish', 'a/b', { on: true }, { qos: 1, retain: true })).toBe('Published to a/b: 1 subscriber.')
  call('publish', 'a/b', new Uint8Array([1, 2]))
  call('publish', 'a/b')
  expect(broker.published.map(({ payload }) => payload.toString())).toEqual(['text', '{"on":true}', '\u0001\u0002', ''])
  expect(broker.published[1]).toMatchObject({ qos: 1, retain: true })
  expect(await shown('publish', 'forbidden', '')).toBe(
    'The message to forbidden was not accepted: Quota exceeded (0x97).',
  )
  expect(() => call('publish', 'a/+', '')).toThrow("'a/+' is not a Topic Name")
  expect(() => call('publish', 5)).toThrow("publish takes a topic: publish('a/b', 'text')")
  expect(() => call('publish', 'a', 'b', 1)).toThrow('the options of publish are an object')
})

test('watch() prints messages until it is stopped', async () => {
  await call('go')
  expect(await shown('watch', 'a/#')).toBe('Watching a/#; unwatch() or Ctrl-C stops it.')
  call('watch', 'b')
  // Once more is no second subscription.
  call('watch', 'b')
  expect(broker.listeners.size).toBe(2)
  call('publish', 'a/b', 'one')
  call('publish', 'b', 'two', { qos: 1, retain: true })
  call('publish', 'c', 'three')
  expect(printed).toEqual(['a/b  one', 'b  two  QoS 1, retained'])
  expect(() => call('watch', '')).toThrow("'' is not a Topic Filter")
  expect(await shown('unwatch')).toBe('Stopped watching a/#, b.')
  expect(broker.listeners.size).toBe(0)
  expect(await shown('unwatch')).toBe('Nothing was watched.')
  call('watch', 'a')
  expect(endWatches(watches)).toBe('Stopped watching a.')
  expect(endWatches(watches)).toBeUndefined()
})

test('watch() prints a limited number of messages in a second, and counts the rest', async () => {
  await call('go')
  vi.useFakeTimers()
  try {
    call('watch', '#')
    for (let index = 0; index < 1060; index += 1) call('publish', 'a', `${index}`)
    expect(printed).toHaveLength(50)
    vi.advanceTimersByTime(1000)
    expect(printed.slice(50)).toEqual(['... and 1,010 messages more in this second, not printed'])
    call('publish', 'a', 'again')
    expect(printed.at(-1)).toBe('a  again')
  } finally {
    vi.useRealTimers()
  }
})

test('watch() continues after a reset, even after a failed reset', async () => {
  await call('go')
  call('watch', 'a')
  broker = new FakeBroker()
  await call('reset')
  call('publish', 'a', 'after the reset')
  failing = true
  await expect(call('reset')).rejects.toMatchObject({ code: 'UNDO_FAILED' })
  failing = false
  hasBroker = false
  await call('reset')
  hasBroker = true
  broker = new FakeBroker()
  await call('reset')
  call('publish', 'a', 'with a broker again')
  expect(printed).toEqual(['a  after the reset', 'a  with a broker again'])
})

test('disconnect() ends a connection', async () => {
  await call('go')
  broker.connected.set('kitchen', clientInfo('kitchen'))
  expect(await shown('disconnect', 'kitchen')).toBe('kitchen was disconnected and may reconnect.')
  expect(() => call('disconnect', 'kitchen')).toThrow("no client 'kitchen' is connected")
})

const connect = (...ids: string[]) => {
  broker.connected.clear()
  for (const id of ids) broker.connected.set(id, clientInfo(id))
}

test('a reset reports what changed and which clients were disconnected', async () => {
  // One of them has not sent CONNECT.
  connections = 3
  connect('a', 'b')
  await call('go')
  expect(await shown('reset')).toMatch(
    /^reset: 2 modules, [\d.]+ ms; 2 clients were disconnected and may reconnect\nReloaded a\.ts, b\.ts\.\nrestart listener: .*\nrestart heart: .*\nRunning 2 components \(load .* ms, prepare .* ms, .*\)\.$/,
  )
  connect('a')
  expect(await shown('reset')).toContain('; 1 client was disconnected and may reconnect')
  await call('stop')
  expect(await shown('reset')).toContain('; no client was connected')
})

test('a reset of a system without a broker counts connections', async () => {
  hasBroker = false
  connections = 2
  await call('go')
  expect(await shown('reset')).toContain('; 2 clients were disconnected and may reconnect')
})

test('status() shows clients, uptime, memory, states and numbers', async () => {
  expect(await shown('status')).toBe('No system has been made yet.')
  connections = 2
  connect('a', 'b')
  await call('go')
  const text = await shown('status')
  expect(text).toMatch(/^Running for 0 s; 2 clients; memory [\d.]+ MiB, [\d.]+ MiB of it JavaScript objects\n\n/)
  expect(text).toMatch(
    /^component +kind +state +started in\nlistener +Listener +running +.* ms\nheart +Broker +running/m,
  )
  // A counter that is 0 is left out. The numbers are not cut: they continue in the next line.
  expect(text.slice(text.indexOf('numbers')).split('\n').slice(1)).toEqual([
    'listener   2 open connections, pending 1.5 MiB',
    '           3 refused clients (reason Not authorized (0x87))',
    '           3 refused clients (reason Server busy (0x89))',
  ])
  expect(inspect(call('status'), { colors: true })).toContain('\u001b[32mrunning\u001b[39m')
  expect(call('status')).toMatchObject([{ name: 'listener' }, { name: 'heart' }])
  await call('stop')
  expect(await shown('status')).toMatch(/^The system is stopped; memory /)
})

test('help names every command; one that is named without parentheses prints its usage', async () => {
  const help = await shown('help')
  for (const name of ['clients()', "client('id')", 'topics()', "retained('a/#')", "watch('a/#')", 'unwatch()'])
    expect(help).toContain(`  ${name} `)
  expect(help).not.toContain('menu()')
  expect(await shown('menu')).toBe(help)
  const named = (name: string): string => inspect((commands[name] as unknown as { call: unknown }).call)
  expect(named('help')).toBe(help)
  expect(named('clients')).toMatch(/^clients\(\) {2}a table of the connected clients\n/)
  expect(named('publish')).toContain("\n  publish('a/b', { on: true })  an object is published as JSON")
  expect(named('topics')).toContain('A broker keeps no list of topics')
})

test('graph() hands on the name of a file', async () => {
  expect(await shown('graph')).toBe('drawn undefined')
  expect(await shown('graph', 'a.png')).toBe('drawn a.png')
  await expect(call('graph', 5)).rejects.toThrow("graph takes the name of a file: graph('system.png')")
})

test('bans(), ban() and unban() act on every listener', async () => {
  await call('go')
  expect(await shown('bans')).toBe('No address is banned.')
  expect(await shown('unban', '192.0.2.7')).toBe('192.0.2.7 was not banned.')
  expect(await shown('ban', '192.0.2.7', 90)).toBe('Connections from 192.0.2.7 are refused for 1 min 30 s.')
  expect(await shown('bans')).toMatch(/^address +for +because of\n192\.0\.2\.7 +1 min (29|30) s +an operator\n1 ban$/)
  expect(call('bans')).toMatchObject([{ address: '192.0.2.7', byOperator: true }])
  expect(await shown('unban', '192.0.2.7')).toBe('The ban of 192.0.2.7 has ended.')
  expect(() => call('ban', 7)).toThrow('ban takes an address and seconds')
  expect(() => call('unban')).toThrow('unban takes an address')
  expect(() => call('ban', 'kitchen')).toThrow('not kitchen')
})

test('without a listener nothing can be banned', () => {
  expect(() => call('ban', '192.0.2.7')).toThrow('nothing listens: go() starts the system')
  expect(call('bans')).toEqual([])
})
