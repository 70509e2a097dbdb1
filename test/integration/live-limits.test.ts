/** Another config of a broker under load, as a program applies it and as SIGHUP does. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { packetLog } from '../../components/packet-log/index.ts'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import { memoryStore } from '../../components/store-memory/index.ts'
import { tls } from '../../components/tls/index.ts'
import { ConfigReloader } from '../../src/config-reloader.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { createSystem, type System } from '../../src/system/lifecycle.ts'
import type { ResetReport } from '../../src/system/reset-plan.ts'
import { AuthenticatingPeer } from '../helpers/authenticating-peer.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { quietSystem, withConfig } from '../helpers/start-broker.ts'

type Entries = Readonly<Record<string, { readonly component: object; readonly [key: string]: unknown }>>
type Road = (system: System, config: Entries) => Promise<ResetReport>

const ROADS: Readonly<Record<string, Road>> = {
  apply: (system, config) => system.apply(config),
  SIGHUP: async (system, config) => (await reloaderTo(system, config).reload()).report,
}

const reloaderTo = (system: System, config: Entries): ConfigReloader =>
  new ConfigReloader(
    async () => config,
    () => system,
  )

const files = new TestFiles()
const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-'))
afterAll(() => {
  files.remove()
  rmSync(folder, { recursive: true, force: true })
})

let system: System
const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
  await system.stop()
})

const base = quietSystem as unknown as Entries
const start = async (config: Entries = base) => {
  system = createSystem(config as never) as unknown as System
  await system.start()
}
const port = (name = 'server'): number => (system.map as unknown as Record<string, { port: number }>)[name]!.port
const changed = (name: string, values: object, config = base): Entries => ({
  ...config,
  [name]: { ...config[name]!, config: { ...(config[name]!['config'] as object), ...values } },
})
const peer = async (clientId: string, properties: object = {}, fields: object = {}) => {
  const opened = await AuthenticatingPeer.open(port())
  ending.push(() => opened.socket.destroy())
  return { opened, connack: await opened.sendConnect({ clientId, ...fields }, properties).next() }
}
const publish = (qos: 0 | 1 | 2, messageId: number, topic = 'a') => ({
  ...{ cmd: 'publish' as const, topic, payload: `${messageId}`, qos, dup: false, retain: false },
  ...(qos === 0 ? {} : { messageId }),
})
const subscribe = (topic: string, qos: 0 | 1 | 2) => ({
  ...{ cmd: 'subscribe' as const, messageId: 60_000, subscriptions: [{ topic, qos }] },
})

/** Clients of all versions publish to each other until the work is done. Each message must come once and in order. No client may be disconnected. */
const underLoad = async <T>(work: () => Promise<T>): Promise<T> => {
  const closed: string[] = []
  const clients = await Promise.all(
    ([3, 4, 5] as const).map(async (version) => {
      const client = await RealClient.connect(port(), version, { clientId: `load${version}`, keepalive: 0 })
      client.mqtt.on('close', () => closed.push(`load${version}`))
      ending.push(() => client.mqtt.endAsync(true))
      await client.mqtt.subscribeAsync('load/#', { qos: 2 })
      return client
    }),
  )
  let isDone = false
  const publishing = clients.map(async ({ mqtt }) => {
    let count = 0
    while (!isDone || count < 3) {
      count += 1
      await Promise.all(
        ([0, 1, 2] as const).map((qos) =>
          mqtt.publishAsync(`load/${mqtt.options.clientId}/${qos}`, `${count}`, { qos }),
        ),
      )
    }
    return count
  })
  const result = await work().finally(() => {
    isDone = true
  })
  const counts = await Promise.all(publishing)
  for (const client of clients) {
    const received = await client.take(counts.reduce((sum, count) => sum + count * 3, 0))
    for (const [index, { mqtt }] of clients.entries()) {
      for (const qos of [0, 1, 2]) {
        const own = received.filter(({ topic }) => topic === `load/${mqtt.options.clientId}/${qos}`)
        expect(own.map(({ payload }) => Number(payload))).toEqual(
          Array.from({ length: counts[index]! }, (_, n) => n + 1),
        )
      }
    }
    expect(await client.payloads()).toEqual([])
  }
  expect(closed).toEqual([])
  return result
}
const verdictsOf = ({ parts }: ResetReport) =>
  Object.fromEntries(parts.flatMap(({ name, verdict }) => (verdict === 'keep' ? [] : [[name, verdict]])))

describe.each(Object.entries(ROADS))('by %s, under load', (_, road) => {
  it('a filter is added to the pipeline, and removed', async () => {
    await start()
    const { dependencies } = base['server'] as unknown as { dependencies: { pipeline: string[] } }
    const pipeline = ['mqttDecoder', 'packetLog', 'mqttHandler', 'mqttEncoder']
    const logged: Entries = {
      ...base,
      packetLog: { component: packetLog, dependencies: { logger: 'logger' } },
      server: { ...base['server']!, dependencies: { ...dependencies, pipeline } },
    }
    await underLoad(async () => {
      for (let round = 0; round < 3; round += 1) {
        expect(verdictsOf(await road(system, logged))).toEqual({ packetLog: 'start', server: 'adjust' })
        expect(verdictsOf(await road(system, base))).toEqual({ packetLog: 'stop', server: 'adjust' })
      }
    })
  })

  it('limits are lowered below what is in use', async () => {
    await start()
    const away = await peer('away', { sessionExpiryInterval: 3_600 })
    await away.opened.send(subscribe('a', 1)).next()
    away.opened.socket.destroy()
    const { opened: busy, connack } = await peer('busy')
    expect(connack).toMatchObject({ properties: { receiveMaximum: 1_000 } })
    const { opened: slow } = await peer('slow', { receiveMaximum: 10 })
    await slow.send(subscribe('slow', 1)).next()
    for (const id of [1, 2, 3, 4, 5]) expect(await busy.send(publish(1, id)).next()).toMatchObject({ cmd: 'puback' })
    for (const id of [1, 2, 3]) await busy.send(publish(1, id, 'slow')).next()
    for (const id of [1, 2, 3])
      expect(await slow.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from(`${id}`) })
    // Not released: they count towards Receive Maximum.
    for (const id of [11, 12, 13]) expect(await busy.send(publish(2, id)).next()).toMatchObject({ cmd: 'pubrec' })
    const lower = changed(
      'server',
      { maximumConnections: 3 },
      {
        ...base,
        ...(withConfig({ maximumInflight: 2, receiveMaximum: 2 }) as unknown as Entries),
      },
    )
    const report = await underLoad(() => road(system, lower))
    expect(verdictsOf(report)).toEqual({ broker: 'adjust', mqttHandler: 'adjust', server: 'adjust' })
    // What was negotiated stays: the client has three in flight, and sends four more.
    for (const id of [14, 15, 16, 17])
      expect(await busy.send(publish(2, id)).next()).toMatchObject({ cmd: 'pubrec', messageId: id })
    // So does the window of a subscriber, until it connects again.
    for (const id of [4, 5, 6]) await busy.send(publish(1, id, 'slow')).next()
    for (const id of [4, 5, 6])
      expect(await slow.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from(`${id}`) })
    expect([await busy.answers(), await slow.answers()]).toEqual([true, true])
  })

  it('limits hold for what comes from then on, and what is there stays', async () => {
    await start()
    const away = await peer('away', { sessionExpiryInterval: 3_600 })
    await away.opened.send(subscribe('a', 1)).next()
    away.opened.socket.destroy()
    const { opened: busy } = await peer('busy')
    await busy.answers()
    for (const id of [1, 2, 3, 4, 5]) await busy.send(publish(1, id)).next()
    const { opened: other } = await peer('other')
    const lower = changed(
      'server',
      { maximumConnections: 2 },
      {
        ...base,
        ...(withConfig({ maximumQueuedMessages: 2, receiveMaximum: 2 }) as unknown as Entries),
      },
    )
    await road(system, lower)
    // Over the limit: the new one is dropped, and those from before stay.
    await busy.send(publish(1, 6)).next()
    const refused = await AuthenticatingPeer.open(port())
    ending.push(() => refused.socket.destroy())
    await refused.rest()
    expect([await busy.answers(), await other.answers()]).toEqual([true, true])
    await road(system, changed('server', { maximumConnections: 3 }, lower))
    const { opened: back, connack } = await peer('away', { sessionExpiryInterval: 3_600 }, { clean: false })
    expect(connack).toMatchObject({ sessionPresent: true, properties: { receiveMaximum: 2 } })
    for (const id of [1, 2, 3, 4, 5]) {
      const message = (await back.next()) as { messageId?: number }
      expect(message).toMatchObject({ cmd: 'publish', payload: Buffer.from(`${id}`) })
      back.send({ cmd: 'puback', messageId: message.messageId! })
    }
    expect(await back.answers()).toBe(true)
    for (const id of [1, 2]) await back.send(publish(2, id, 'x')).next()
    back.send(publish(2, 3, 'x'))
    expect(await back.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ReceiveMaximumExceeded }])
  })

  it('a listener is disabled: its own connections end, and others stay', async () => {
    const { server: certificate, authority } = await testCertificates()
    const secured: Entries = {
      ...base,
      tls: {
        component: tls,
        config: { port: 0, ...files.pair('server', certificate) },
        dependencies: { logger: 'logger' },
      },
    }
    await start(secured)
    const encrypted = await RealClient.connect(port('tls'), 5, {
      protocol: 'mqtts',
      ca: authority.cert,
      servername: 'localhost',
    } as never)
    const closed = encrypted.event('close')
    const report = await underLoad(() => road(system, { ...secured, tls: { ...secured['tls']!, enabled: false } }))
    expect(verdictsOf(report)).toEqual({ tls: 'stop', server: 'adjust' })
    expect(report.plan.connections.find(({ listener }) => listener === 'tls')).toMatchObject({ closed: 1 })
    await closed
  })
})

describe('SIGHUP refuses', () => {
  const refused = async (config: Entries, ...texts: string[]) => {
    const { refusals } = await reloaderTo(system, config).plan()
    const error = await ROADS['SIGHUP']!(system, config).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RESET_REFUSED', message: refusals.join('; ') })
    for (const text of texts) expect((error as Error).message).toContain(text)
    expect(system.state).toBe('running')
  }

  it('to end the only listener, although the plan without it is whole', async () => {
    await start()
    const without = { ...base, server: { ...base['server']!, enabled: false } }
    const { parts } = await system.plan(without)
    expect(parts.find(({ name }) => name === 'server')).toMatchObject({ verdict: 'stop' })
    const { opened } = await peer('client')
    await refused(without, 'server would end', 'no client could connect')
    expect(await opened.answers()).toBe(true)
    expect((await peer('another')).connack).toMatchObject({ reasonCode: 0 })
    // A program may do it.
    expect(verdictsOf(await ROADS['apply']!(system, without))).toEqual({ server: 'stop' })
  })

  const stored = (name: string): Entries => ({
    ...base,
    store: { component: lmdbStore, config: { path: join(folder, name) }, dependencies: { logger: 'logger' } },
  })

  it.each([
    ['a store in another directory', () => stored('two')],
    ['a store of another kind', () => ({ ...base, store: { component: memoryStore } })],
    [
      'a store of another name',
      () => {
        const { store, ...others } = stored('one')
        const broker = base['broker']!
        return {
          ...others,
          second: { ...store!, config: { path: join(folder, 'two') } },
          broker: { ...broker, dependencies: { ...(broker['dependencies'] as object), store: 'second' } },
        }
      },
    ],
  ])('to begin with %s, also while there are no connections', async (_, config) => {
    await start(stored('one'))
    const { opened } = await peer('away', { sessionExpiryInterval: 3_600 })
    await opened.send(subscribe('a', 1)).next()
    opened.socket.destroy()
    await refused(
      config() as Entries,
      'store would',
      'sessions and messages are not moved to another store',
      'restart the process',
    )
    expect((await peer('away', { sessionExpiryInterval: 3_600 }, { clean: false })).connack).toMatchObject({
      sessionPresent: true,
    })
  })

  it('no other path of a store that could not start', async () => {
    const blocked = { ...stored('one')['store']!, config: { path: join(files.write('no-folder', ''), 'data') } }
    system = createSystem({ ...base, store: blocked } as never, { start: 'available' }) as unknown as System
    await system.start()
    expect(system.degraded).toBe(true)
    expect(verdictsOf(await ROADS['SIGHUP']!(system, stored('three')))).toMatchObject({
      store: 'start',
      broker: 'start',
    })
    expect((await peer('client')).connack).toMatchObject({ reasonCode: 0 })
  })

  it('no other value of the store', async () => {
    await start(stored('one'))
    expect(
      verdictsOf(await ROADS['SIGHUP']!(system, changed('store', { minimumFreeBytes: 1 }, stored('one')))),
    ).toMatchObject({
      store: 'adjust',
    })
  })
})
