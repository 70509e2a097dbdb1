/** What a bridge tells its remote broker and its operators. */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { generate, type Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { type BridgedBroker, type BridgeValues, carried, startBridged } from '../../test/helpers/bridged-broker.ts'
import { BytesBroker } from '../../test/helpers/bytes-broker.ts'
import { TestFiles, testCertificates } from '../../test/helpers/certificates.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { HandlerHarness } from '../../test/helpers/handler-harness.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { bridge as component } from './index.ts'
import { measuresOf } from './measures.ts'
import { RemoteBridge } from './remote-bridge.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const OK = Buffer.from([0x20, 3, 0, 0, 0])
const OLD_OK = Buffer.from([0x20, 2, 0, 0])
const outward = [carried('#', 'out')]

/** A remote broker that takes everything, unless `answer` says otherwise. */
const remoteBroker = async (
  answer: (packet: Packet, connection: number) => Buffer | 'end' | undefined = () => undefined,
) => {
  const broker = await BytesBroker.start((packet, connection) => {
    const special = answer(packet, connection)
    if (special !== undefined) return special
    return packet.cmd === 'connect' ? (packet.protocolVersion === 5 ? OK : OLD_OK) : undefined
  })
  ends.push(() => broker.stop())
  return broker
}
const bridged = async (
  remote: { readonly port: number },
  values: Omit<BridgeValues, 'servers'>,
): Promise<BridgedBroker & { log: RecordingLogger }> => {
  const log = new RecordingLogger()
  const logger = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
  const up = { servers: [`mqtt://127.0.0.1:${remote.port}`], ...values }
  const broker = await startBridged({ up }, undefined, { logger: { component: logger } })
  ends.push(() => broker.stop())
  return { ...broker, log }
}
/** A broker without a network. */
const harness = () => {
  const made = new HandlerHarness()
  return { broker: made.broker, log: made.log, stop: () => made.stop() }
}
const files = (): TestFiles => {
  const made = new TestFiles()
  ends.push(() => made.remove())
  return made
}

describe('CONNECT', () => {
  it('has the user name, and the password of the config', async () => {
    const remote = await remoteBroker()
    const local = await bridged(remote, { topics: outward, clientId: 'c', userName: 'u', password: 'p' })
    await local.connected('up')
    expect(remote.packets[0]).toMatchObject({ clientId: 'c', username: 'u', password: Buffer.from('p'), clean: false })
  })

  it('has the password that is in the file at the time, without the line end', async () => {
    const remote = await remoteBroker(({ cmd }, connection) =>
      cmd === 'connect' && connection === 1 ? 'end' : undefined,
    )
    const passwordFile = files().write('password', 'first\r\n')
    const local = await bridged(remote, { topics: outward, userName: 'u', passwordFile })
    await eventually(() => expect(remote.packets.length).toBeGreaterThan(0))
    writeFileSync(passwordFile, 'second')
    await local.connected('up')
    const [first, ...later] = remote.packets.flatMap((packet) =>
      packet.cmd === 'connect' ? [`${packet.password}`] : [],
    )
    expect([first, later.at(-1)]).toEqual(['first', 'second'])
  })

  it('has a Will that says that the bridge is gone, on the topic of mosquitto', async () => {
    const remote = await remoteBroker()
    const local = await bridged(remote, { topics: outward, clientId: 'c', notifications: true })
    await local.connected('up')
    const topic = '$SYS/broker/connection/c/state'
    expect(remote.packets[0]).toMatchObject({ will: { topic, payload: Buffer.from('0'), retain: true } })
    await eventually(() =>
      expect(remote.packets[1]).toMatchObject({ cmd: 'publish', topic, payload: Buffer.from('1') }),
    )
    await local.stop()
    await eventually(() => expect(remote.packets.at(-2)).toMatchObject({ cmd: 'publish', payload: Buffer.from('0') }))
  })

  it('is not sent any more when the bridge stops while it reads its password', async () => {
    const remote = await remoteBroker()
    const passwordFile = files().write('password', 'x')
    const { broker, log, stop } = harness()
    ends.push(stop)
    const servers = [`mqtt://127.0.0.1:${remote.port}`]
    const config = component.config.parse({ servers, topics: outward, userName: 'u', passwordFile })
    const bridge = new RemoteBridge('up', config, broker, log)
    await bridge.start()
    await bridge.stop()
    const local = await bridged(remote, { topics: outward, clientId: 'later' })
    await local.connected('up')
    expect(remote.packets).toMatchObject([{ clientId: 'later' }])
  })

  it('asks for the private extension again after a broker that ends the connection without a word, but not each time', async () => {
    const remote = await remoteBroker(({ cmd }) => (cmd === 'connect' ? 'end' : undefined))
    await bridged(remote, { topics: [carried('#', 'both')], protocolVersion: '3.1.1' })
    await eventually(() => expect(remote.firstBytes.length).toBeGreaterThan(5))
    const versions = remote.firstBytes.slice(0, 6).map((bytes) => bytes[8])
    expect(versions).toEqual([0x84, 0x84, 0x84, 0x04, 0x84, 0x84])
  })
})

describe('the operator is told', () => {
  it('of topics that go in both directions without anything that prevents circles', async () => {
    const local = await bridged(await remoteBroker(), {
      ...{ topics: [carried('#', 'both')], protocolVersion: '3.1.1', tryPrivate: false },
    })
    expect(local.log.at('warn')).toMatchObject([{ message: expect.stringContaining('messages may go in a circle') }])
  })

  it('which subscriptions the remote broker refuses', async () => {
    const remote = await remoteBroker((packet) =>
      packet.cmd === 'subscribe'
        ? generate({ cmd: 'suback', messageId: packet.messageId!, granted: [0x80] })
        : undefined,
    )
    const local = await bridged(remote, { topics: [carried('a', 'in')], protocolVersion: '3.1.1', tryPrivate: false })
    await local.connected('up')
    expect(local.log.at('warn')).toMatchObject([
      { filter: 'a', message: expect.stringMatching(/may not subscribe to a at mqtt:/) },
    ])
  })

  it('where a server with an address of IPv6 is', async () => {
    const local = await startBridged({
      up: { servers: ['mqtt://[::1]:1'], topics: outward, minimumRetryMs: 50_000, maximumRetryMs: 50_000 },
    })
    ends.push(() => local.stop())
    expect(local.bridge('up').remote).toBe('mqtt://[::1]:1')
  })

  it('why a server that has several addresses cannot be reached', async () => {
    const local = await startBridged({ up: { servers: ['mqtt://localhost:1'], topics: outward } })
    ends.push(() => local.stop())
    await eventually(() => expect(local.bridge('up').lastFailure).toContain('ECONNREFUSED'))
  })

  it('the numbers of the bridge', async () => {
    const remote = await remoteBroker()
    const local = await bridged(remote, { topics: outward, cleanStart: true })
    const bridge = local.bridge('up')
    const numbers = () =>
      Object.fromEntries(
        measuresOf(bridge).map(({ name, labels, read }) => [`${name}${labels?.['qos'] ?? ''}`, read()]),
      )
    await local.connected('up')
    local.map.broker.publish({ topic: 'a', payload: 'x' })
    local.map.broker.publish({ topic: 'b', payload: 'x', qos: 1 })
    const none = {
      dropped: 0,
      too_large: 0,
      refused_by_remote: 0,
      refused_here: 0,
      undeliverable: 0,
      unacceptable: 0,
      looped: 0,
      unmapped: 0,
    }
    expect(numbers()).toEqual({
      ...{ connected: 1, inflight: 1, waiting: 0, connection: 1, failed: 0, ...none },
      ...{ sent0: 1, sent1: 1, sent2: 0, received0: 0, received1: 0, received2: 0 },
    })
    await remote.stop()
    ends.shift()
    await eventually(() => expect(bridge.connected).toBe(false))
    // With cleanStart its session has ended with the connection.
    expect(numbers()).toMatchObject({ connected: 0, inflight: 0, waiting: 0, failed: 1 })
  })
})

it('does not begin with a connection that ended while its session was claimed', async () => {
  let grant!: () => void
  const remote = await remoteBroker(({ cmd }, connection) => (cmd === 'pingreq' || connection > 1 ? 'end' : undefined))
  const local = await bridged(remote, { topics: outward, minimumRetryMs: 50, maximumRetryMs: 50 })
  await local.connected('up')
  const { forClients } = local.map.broker
  const claim = vi.spyOn(forClients, 'claim').mockReturnValue(
    new Promise<void>((resolve) => {
      grant = resolve
    }),
  )
  ends.push(() => claim.mockRestore())
  local.map.broker.disconnect('$bridge/up')
  await eventually(() => expect(local.bridge('up').counters.failures).toBeGreaterThan(1))
  grant()
  await new Promise((resolve) => setImmediate(resolve))
  expect(local.bridge('up').counters.connections).toBe(1)
})

it('checks the name in the certificate of a server that is named', async () => {
  const { authority, server } = await testCertificates()
  const names: unknown[] = []
  const listener = createServer({ cert: server.cert, key: server.key }, (socket) => {
    names.push(socket.servername)
    socket.end(OK)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  ends.push(() => listener.close())
  const { port } = listener.address() as AddressInfo
  const tls = { ca: files().write('ca.pem', authority.cert) }
  const local = await startBridged({ up: { servers: [`mqtts://localhost:${port}`], topics: outward, tls } })
  ends.push(() => local.stop())
  await eventually(() => expect(names).toContain('localhost'))
})
