/** Connections in every state in the turn in which a reset is applied, or undone. */

import { connect as connectTcp } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { webSocket } from '../../components/web-socket/index.ts'
import type { AnyComponent, AnySystemConfig } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const RETAINED = 3_000
const LARGE = 1_048_576
/** More than the operating system takes for a peer that does not read. */
const UNREAD = 40

const base = {
  ...quietSystem,
  webSocket: { component: webSocket, config: { port: 0 }, dependencies: { logger: 'logger' } },
}

type Apply = (system: { apply(config: unknown): Promise<unknown> }) => Promise<unknown>

/** All code of the pipeline and of the broker loaded a second time. */
const loadedAgain = async (): Promise<AnySystemConfig> => {
  vi.resetModules()
  const { mqttHandler } = await import('../../components/mqtt-handler/index.ts')
  const { mqttDecoder } = await import('../../components/mqtt-decoder/index.ts')
  const { mqttEncoder } = await import('../../components/mqtt-encoder/index.ts')
  const { broker } = await import('../../components/broker/index.ts')
  const entries = { mqttHandler, mqttDecoder, mqttEncoder, broker } as Record<string, unknown>
  const config = base as unknown as Record<string, object>
  const changed = Object.entries(entries).map(([name, component]) => [name, { ...config[name], component }])
  return { ...base, ...Object.fromEntries(changed) } as AnySystemConfig
}

/** The same, and the last check of it fails. */
const undone: Apply = async (system) => {
  const config = (await loadedAgain()) as Record<string, { component: AnyComponent }>
  const verify = () => {
    throw new Error('not today')
  }
  const handler = config['mqttHandler']!
  const failing = { ...config, mqttHandler: { ...handler, component: { ...handler.component, verify } } }
  await expect(system.apply(failing)).rejects.toMatchObject({ code: 'RESET_FAILED', phase: 'verify', undoErrors: [] })
}

const resets: Readonly<Record<string, Apply>> = {
  'swaps the pipeline and the broker': async (system) => system.apply(await loadedAgain()),
  'is undone': undone,
  'adjusts the server and the handler': (system) =>
    system.apply({
      ...base,
      server: { ...base.server, config: { ...base.server.config, closeDeadlineMs: 900 } },
      mqttHandler: { ...base.mqttHandler, config: { connectDeadlineMs: 9_000 } },
    }),
}

const text = (value: string): string => Buffer.from(value).toString('hex')
const length = (bytes: number): string => bytes.toString(16).padStart(4, '0')
const connectPacket = (id: string): string =>
  `10${(12 + id.length).toString(16).padStart(2, '0')}00044d51545404020000${length(id.length)}${text(id)}`
/** PUBLISH of any size. */
const publish = (qos: number, topic: string, id: number, payload: Buffer): Buffer => {
  const head = Buffer.from(`${length(topic.length)}${text(topic)}${qos === 0 ? '' : length(id)}`, 'hex')
  const size: number[] = []
  let rest = head.length + payload.length
  do {
    size.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.of(0x30 | (qos << 1), ...size), head, payload])
}

describe.each(Object.entries(resets))('a reset that %s', (_, apply) => {
  const ending: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end()
  })

  it('leaves each connection where it was', async () => {
    const system = createSystem(base as typeof quietSystem)
    await system.start()
    ending.push(() => system.stop())
    const { port } = system.map.server
    const raw = async (id?: string) => {
      const client = await RawClient.connect(port)
      ending.push(() => client.destroy())
      if (id !== undefined) expect(await client.send(connectPacket(id)).frame()).toBe('20020000')
      return client
    }
    const subscribe = async (client: RawClient, filter: string, qos = 2) => {
      client.send(
        `82${(5 + filter.length).toString(16).padStart(2, '0')}0001${length(filter.length)}${text(filter)}0${qos}`,
      )
      expect(await client.frame()).toBe(`900300010${qos}`)
    }
    const [inbox, sender, exact, early, silent] = [
      await raw('inbox'),
      await raw('sender'),
      await raw('exact'),
      await raw(),
      await raw(),
    ]
    await subscribe(inbox, 'large', 1)
    await subscribe(sender, 'exact')
    // Half of a CONNECT, of an upgrade, and of a message of 1 MiB.
    early.send(connectPacket('early').slice(0, 14))
    const { port: webPort } = (system.map as unknown as { webSocket: { port: number } }).webSocket
    const web = connectTcp(webPort, '127.0.0.1')
    ending.push(() => web.destroy())
    const upgraded = new Promise<string>((resolve) => web.once('data', (data) => resolve(data.toString())))
    web.write('GET /mqtt HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upg')
    const large = publish(1, 'large', 7, Buffer.alloc(LARGE, 1))
    sender.socket.write(large.subarray(0, LARGE / 2))
    // QoS 2 between PUBREC and PUBREL.
    exact.socket.write(publish(2, 'exact', 9, Buffer.from('once')))
    expect(await exact.frame()).toBe('50020009')
    // A peer that does not read, and a message for it that it has not taken.
    const frozen = await raw('frozen')
    await subscribe(frozen, 'frozen', 1)
    frozen.socket.pause()
    for (let count = 0; count < UNREAD; count += 1)
      system.map.broker.publish({ topic: 'frozen', payload: Buffer.alloc(262_144, count), qos: 1 } as never)
    // Retained messages that are looked for over several turns, and a takeover in the turns of the reset.
    for (let count = 0; count < RETAINED; count += 1)
      system.map.broker.publish({ topic: `kept/${count}`, payload: Buffer.from('x'), qos: 0, retain: true } as never)
    const reader = await raw('reader')
    reader.send(`82 0b 0001 0006 ${text('kept/#')} 00`)
    const taking = await raw()
    taking.send(connectPacket('silent-1'))
    silent.send(connectPacket('silent-1'))

    await apply(system)

    expect(await early.send(connectPacket('early').slice(14)).frame()).toBe('20020000')
    web.write(
      'rade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
    )
    expect(await upgraded).toMatch(/^HTTP\/1.1 101/)
    sender.socket.write(large.subarray(LARGE / 2))
    const published = publish(2, 'exact', 1, Buffer.from('once'))
    const got = await sender.receive(published.length)
    expect(Buffer.from(got, 'hex').subarray(-4).toString()).toBe('once')
    expect(await sender.frame()).toBe('40020007')
    expect((await inbox.packet()).length).toBe(large.length)
    // Sent again: it is the same message.
    const again = publish(2, 'exact', 9, Buffer.from('once'))
    again[0]! |= 8
    exact.socket.write(again)
    expect(await exact.frame()).toBe('50020009')
    expect(await exact.send('6202 0009').frame()).toBe('70020009')
    expect(await sender.send('c000').frame()).toBe('d000')
    expect(await reader.frame()).toBe('9003000100')
    for (let count = 0; count < RETAINED; count += 1) expect((await reader.packet())[0]).toBe(0x31)
    frozen.socket.resume()
    for (let count = 0; count < UNREAD; count += 1) {
      const message = await frozen.packet()
      expect(message.at(-1)).toBe(count)
      frozen.socket.write(Buffer.concat([Buffer.from('4002', 'hex'), message.subarray(12, 14)]))
    }
    // One of the two has the session.
    const first = await Promise.race([silent.closed.then(() => taking), taking.closed.then(() => silent)])
    expect(await first.frame()).toBe('20020000')
    expect(await first.send('c000').frame()).toBe('d000')
  })
})
