/** A bridge whose remote broker refuses it, breaks the protocol or does not support what it asks for, and what an operator does. */

import { generate, type Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { HOP } from '../../components/bridge/hops.ts'
import { tls } from '../../components/tls/index.ts'
import { topicRules } from '../../components/topic-rules/index.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent, defineSystem } from '../../src/system/define-system.ts'
import { type BridgedBroker, type BridgeValues, carried, startBridged } from '../helpers/bridged-broker.ts'
import { BytesBroker } from '../helpers/bytes-broker.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { CutProxy } from '../helpers/cut-proxy.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { quietSystem, startBroker } from '../helpers/start-broker.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const bytesBroker = async (answer: Parameters<typeof BytesBroker.start>[0]): Promise<BytesBroker> => {
  const broker = await BytesBroker.start(answer)
  ends.push(() => broker.stop())
  return broker
}
const bridged = async (up: BridgeValues): Promise<BridgedBroker> => {
  const broker = await startBridged({ up })
  ends.push(() => broker.stop())
  return broker
}
const client = async (port: number): Promise<RealClient> => {
  const connected = await RealClient.connect(port, 5)
  ends.push(() => connected.mqtt.end(true))
  return connected
}
const to = ({ port }: { readonly port: number }) => [`mqtt://127.0.0.1:${port}`]
const failure = (broker: BridgedBroker, text: string) =>
  eventually(() => expect(broker.bridge('up').lastFailure).toContain(text))
const connack = (bytes: number[]) => Buffer.from([0x20, bytes.length, ...bytes])
const OK = connack([0, 0, 0])

describe('is not connected, says why and tries again', () => {
  it.each([
    ['refuses it', connack([0, 0x87, 0]), 'Not authorized (0x87)'],
    ['refuses its version', connack([0, 1]), 'unacceptable protocol version (1)'],
    ['answers with another packet', Buffer.from([0xd0, 0]), 'answered CONNECT with PINGRESP'],
    ['sends no MQTT', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'CONNECT with PUBACK'],
    ['ends the connection', 'end', 'without CONNACK'],
    ['sends a packet that is too large', Buffer.from([0x20, 0xff, 0xff, 0xff, 0x7f]), 'maximumPacketSize'],
    ['sends a CONNACK that is cut off', connack([0]), 'too short'],
    ['takes no message in flight', connack([0, 0, 3, 0x21, 0, 0]), 'Receive Maximum'],
    ['takes no packet', connack([0, 0, 5, 0x27, 0, 0, 0, 0]), 'Maximum Packet Size'],
    ['sends SUBSCRIBE', Buffer.concat([OK, Buffer.from([0x82, 0])]), 'it sent SUBSCRIBE'],
    ['sends an illegal PUBLISH', Buffer.concat([OK, Buffer.from([0x36, 5, 0, 1, 0x61, 0, 0])]), 'PUBLISH packet'],
    ['uses a Topic Alias', Buffer.concat([OK, Buffer.from([0x30, 7, 0, 1, 0x61, 3, 0x23, 0, 1])]), 'Topic Alias'],
    ['acknowledges the identifier 0', Buffer.concat([OK, Buffer.from([0x40, 2, 0, 0])]), 'Packet Identifier'],
    ['sends DISCONNECT', Buffer.concat([OK, Buffer.from([0xe0, 1, 0x8b])]), 'Server shutting down (0x8B)'],
  ] as const)('when the remote broker %s', async (_, answer, text) => {
    const remote = await bytesBroker(({ cmd }) => (cmd === 'connect' ? answer : undefined))
    const local = await bridged({ servers: to(remote), topics: [carried('#', 'in')] })
    await failure(local, text)
    await eventually(() => expect(remote.firstBytes.length).toBeGreaterThan(2))
    expect(local.bridge('up').counters.failures).toBeGreaterThan(1)
  })

  it('when nothing listens, nothing answers, or the password file is missing', async () => {
    const silent = await bytesBroker(() => undefined)
    const topics = [carried('#', 'in')]
    await failure(await bridged({ servers: ['mqtt://127.0.0.1:1'], topics }), 'ECONNREFUSED')
    await failure(await bridged({ servers: to(silent), topics, connectTimeoutMs: 100 }), 'connectTimeoutMs, 100 ms')
    const half = await bytesBroker(({ cmd }) => (cmd === 'connect' ? OK : undefined))
    await failure(await bridged({ servers: to(half), topics, connectTimeoutMs: 100 }), 'no answer to SUBSCRIBE')
    const missing = { userName: 'a', passwordFile: '/does/not/exist' }
    await failure(await bridged({ servers: to(silent), topics, ...missing }), 'ENOENT')
  })
})

it('takes the next server after a failure', async () => {
  const remote = await startBroker()
  ends.push(() => remote.stop())
  const local = await bridged({ servers: ['mqtt://127.0.0.1:1', ...to(remote)], topics: [carried('#', 'in')] })
  await local.connected('up')
  expect(local.bridge('up').remote).toBe(`mqtt://127.0.0.1:${remote.port}`)
})

it('asks for the private extension of mosquitto, and not again when that is refused', async () => {
  const isPrivate = (packet: Packet) => 'bridgeMode' in packet && packet.bridgeMode === true
  const remote = await bytesBroker((packet) => {
    if (packet.cmd === 'connect') return isPrivate(packet) ? connack([0, 1]) : connack([0, 0])
    if (packet.cmd === 'subscribe') return generate({ cmd: 'suback', messageId: packet.messageId!, granted: [1] })
    return undefined
  })
  const local = await bridged({ servers: to(remote), topics: [carried('#', 'in')], protocolVersion: '3.1.1' })
  await local.connected('up')
  expect(remote.firstBytes.map((bytes) => bytes[8])).toEqual([0x84, 0x04])
})

it('carries messages of QoS 2 at the QoS that the remote broker takes', async () => {
  // Maximum QoS 1, and then 0.
  const remote = await bytesBroker((packet, connection) => {
    if (packet.cmd === 'connect') return connack([0, 0, 2, 0x24, connection === 1 ? 1 : 0])
    if (packet.cmd === 'publish' && packet.topic === 'end') return 'end'
    if (packet.cmd !== 'publish' || packet.qos === 0) return undefined
    return generate({ cmd: 'puback', messageId: packet.messageId! })
  })
  const local = await bridged({ servers: to(remote), topics: [carried('#', 'out')] })
  const near = await client(local.port)
  // It waits before the QoS of the remote broker is known.
  for (const topic of ['a', 'end', 'b']) {
    await near.mqtt.publishAsync(topic, '', { qos: 2 })
    await eventually(() => expect(remote.packets.filter(({ cmd }) => cmd === 'publish').length).toBeGreaterThan(0))
  }
  await eventually(() => {
    expect(local.bridge('up').inflight + local.bridge('up').waiting).toBe(0)
    const sent = remote.packets.flatMap((packet) => (packet.cmd === 'publish' ? [`${packet.topic} ${packet.qos}`] : []))
    expect(sent).toEqual(expect.arrayContaining(['a 1', 'end 1', 'b 0']))
  })
})

it('counts and logs messages that the remote broker refuses, and goes on', async () => {
  const remote = await bytesBroker((packet) => {
    if (packet.cmd === 'connect') return OK
    if (packet.cmd !== 'publish' || packet.qos === 0) return undefined
    const [high, low] = [packet.messageId! >> 8, packet.messageId! & 0xff]
    return Buffer.from([packet.qos === 1 ? 0x40 : 0x50, 3, high, low, 0x87])
  })
  const local = await bridged({ servers: to(remote), topics: [carried('#', 'out')] })
  const near = await client(local.port)
  for (const qos of [1, 2] as const) await near.mqtt.publishAsync('a', '', { qos })
  await eventually(() => expect(local.bridge('up').counters.refusedByRemote).toBe(2))
  expect(local.bridge('up').inflight).toBe(0)
})

it('drops a message for which the remote broker ends each connection, says so once, and goes on', async () => {
  const remote = await bytesBroker((packet) => {
    if (packet.cmd === 'connect') return OK
    if (packet.cmd !== 'publish') return undefined
    // As a broker that takes no packet of this size and does not say so.
    if (packet.payload.length > 100) return 'end'
    return generate({ cmd: 'puback', messageId: packet.messageId! })
  })
  const log = new RecordingLogger()
  const values = { servers: to(remote), topics: [carried('#', 'out', 1)], maximumSendAttempts: 2, hops: false }
  const retry = { minimumRetryMs: 10, maximumRetryMs: 20 }
  const local = await startBridged({ up: { ...values, ...retry } }, undefined, { logger: { component: loggerOf(log) } })
  ends.push(() => local.stop())
  const near = await client(local.port)
  for (const [topic, payload] of [
    ['before', ''],
    ['large', 'x'.repeat(101)],
    ['after', ''],
  ] as const)
    await near.mqtt.publishAsync(topic, payload, { qos: 1 })
  await eventually(() => {
    expect(local.bridge('up').counters.undeliverable).toBe(1)
    expect(local.bridge('up').inflight + local.bridge('up').waiting).toBe(0)
  })
  const dropped = log.at('warn').filter(({ message }) => message.includes('dropped'))
  expect(dropped).toMatchObject([{ topic: 'large', size: 113, attempts: 2 }])
  expect(remote.packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.topic] : [])).at(-1)).toBe('after')
})

it('breaks the circle of two bridges that lead to each other', async () => {
  const topics = [carried('#', 'out', 1)]
  const proxy = await CutProxy.start(1)
  ends.push(() => proxy.stop())
  const first = await startBridged({ up: { servers: to(proxy), topics, brokerId: 'first', clientId: 'up' } })
  ends.push(() => first.stop())
  const second = await startBridged({ back: { servers: to(first), topics, brokerId: 'second', clientId: 'back' } })
  ends.push(() => second.stop())
  proxy.leadTo(second.port)
  await Promise.all([first.connected('up'), second.connected('back')])
  const [near, watcher] = [await client(first.port), await client(second.port)]
  await watcher.mqtt.subscribeAsync('#', { qos: 1 })
  await near.mqtt.publishAsync('a', 'once', { qos: 1 })
  const { payload, properties } = await watcher.next()
  expect(payload).toBe('once')
  expect({ ...properties?.userProperties }).toEqual({ [HOP]: 'first' })
  // It came back to the first broker, which does not send it out again.
  await eventually(() => expect(first.bridge('up').counters.loops).toBe(1))
  expect(await watcher.payloads()).toEqual([])
})

it('uses TLS with a client certificate, and refuses a server with another name', async () => {
  const { authority, server, client: own } = await testCertificates()
  const files = new TestFiles()
  ends.push(() => files.remove())
  const ca = files.write('ca.pem', authority.cert)
  const listener = {
    component: tls,
    config: { port: 0, ...files.pair('server', server), ca, clientCertificates: 'require' },
    dependencies: { logger: 'logger' },
  } as const
  const remote = await startBroker(defineSystem({ ...quietSystem, tls: listener }))
  ends.push(() => remote.stop())
  const { port } = (remote.map as unknown as { tls: { port: number } }).tls
  const values = { servers: [`mqtts://127.0.0.1:${port}`], topics: [carried('#', 'out')] }
  const files5 = { ca, ...files.pair('client', own) }
  const local = await bridged({ ...values, tls: files5, clientId: 'good' })
  await local.connected('up')
  expect(remote.map.broker.client('good')?.peer.tls?.commonName).toBe('device-1')
  await failure(await bridged({ ...values, tls: { ...files5, serverName: 'other' } }), 'not in the cert')
  await failure(await bridged({ ...values }), 'certificate')
  await failure(await bridged({ ...values, tls: { ca: '/does/not/exist' } }), 'TLS files cannot be used')
})

it('connects again when an operator disconnects it, and no client can take its session', async () => {
  const remote = await startBroker()
  ends.push(() => remote.stop())
  const local = await bridged({ servers: to(remote), topics: [carried('#', 'out')] })
  await local.connected('up')
  const { sessionId, counters } = local.bridge('up')
  await expect(RealClient.connect(local.port, 5, { clientId: sessionId })).rejects.toThrow('Not authorized')
  expect(local.map.broker.disconnect(sessionId)).toBe(true)
  await eventually(() => expect(counters.connections).toBe(2))
  expect(local.map.broker.client(sessionId)).toMatchObject({ peer: { transport: 'bridge', listener: 'up' } })
})

it('obeys the rules of its local user', async () => {
  const remote = await startBroker()
  ends.push(() => remote.stop())
  const rules = [
    { action: 'all', filter: '#', allow: true, anonymous: true },
    { action: 'subscribe', filter: 'out/#', allow: true, user: 'site' },
    { action: 'publish', filter: 'in/open', allow: true, user: 'site' },
  ] as const
  const topics = [carried('out/#', 'out'), carried('secret/#', 'out'), carried('in/#', 'in')]
  const local = await startBridged({ up: { servers: to(remote), topics, localUserName: 'site' } }, undefined, {
    rules: { component: topicRules, config: { rules } },
    broker: { ...quietSystem.broker, dependencies: { ...quietSystem.broker.dependencies, authorizers: ['rules'] } },
  })
  ends.push(() => local.stop())
  await local.connected('up')
  expect(local.map.broker.session('$bridge/up')?.subscriptions.map(({ filter }) => filter)).toEqual(['out/#'])
  const [near, far] = [await client(local.port), await client(remote.port)]
  await near.mqtt.subscribeAsync('in/#')
  for (const topic of ['in/closed', 'in/open']) await far.mqtt.publishAsync(topic, topic, { qos: 2 })
  expect(await near.next()).toMatchObject({ topic: 'in/open' })
  expect(local.bridge('up').counters.refusedHere).toBe(1)
})

it('ends both sessions with the connection if cleanStart is true', async () => {
  const remote = await startBroker()
  ends.push(() => remote.stop())
  const local = await bridged({
    servers: to(remote),
    topics: [carried('#', 'out')],
    cleanStart: true,
    clientId: 'clean',
  })
  await local.connected('up')
  expect(remote.map.broker.session('clean')?.expiryIntervalSeconds).toBe(0)
  expect(local.map.broker.session('$bridge/up')?.expiryIntervalSeconds).toBe(0)
})

it('leaves with DISCONNECT when its broker stops', async () => {
  const remote = await bytesBroker(({ cmd }) => (cmd === 'connect' ? OK : undefined))
  const local = await startBridged({ up: { servers: to(remote), topics: [carried('#', 'out')] } })
  await local.connected('up')
  await local.stop()
  await eventually(() => expect(remote.packets.at(-1)?.cmd).toBe('disconnect'))
})

it('waits longer and longer before it connects to a broker that ends each connection at once', async () => {
  const answer = Buffer.concat([OK, Buffer.from([0xe0, 1, 0x8d])])
  const remote = await bytesBroker(({ cmd }) => (cmd === 'connect' ? answer : undefined))
  const log = new RecordingLogger()
  const retry = { minimumRetryMs: 20, maximumRetryMs: 200 }
  const local = await startBridged(
    { up: { servers: to(remote), topics: [carried('#', 'out')], ...retry } },
    undefined,
    {
      logger: { component: loggerOf(log) },
    },
  )
  ends.push(() => local.stop())
  await eventually(() => expect(local.bridge('up').counters.failures).toBeGreaterThan(5))
  const delays = log.lines.flatMap(({ delayMs }) => (typeof delayMs === 'number' ? [delayMs] : []))
  expect(Math.max(...delays)).toBeGreaterThanOrEqual(100)
})

/** A component that gives this logger. */
const loggerOf = (log: Logger) =>
  defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
