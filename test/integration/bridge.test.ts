import { afterEach, describe, expect, it } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { type BridgedBroker, type BridgeValues, carried, startBridged } from '../helpers/bridged-broker.ts'
import { CutProxy } from '../helpers/cut-proxy.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { type Broker, startBroker } from '../helpers/start-broker.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const remoteBroker = async (): Promise<Broker> => {
  const broker = await startBroker()
  ends.push(() => broker.stop())
  return broker
}
const bridged = async (bridges: Readonly<Record<string, BridgeValues>>, path?: string): Promise<BridgedBroker> => {
  const broker = await startBridged(bridges, path)
  ends.push(() => broker.stop())
  return broker
}
const client = async (port: number, version: ProtocolVersion = 5): Promise<RealClient> => {
  const connected = await RealClient.connect(port, version)
  ends.push(() => connected.mqtt.end(true))
  return connected
}
const url = ({ port }: { readonly port: number }) => `mqtt://127.0.0.1:${port}`

describe.each(['5.0', '3.1.1'] as const)('a bridge with MQTT %s', (protocolVersion) => {
  it('carries messages in both directions at each QoS, with prefixes', async () => {
    const remote = await remoteBroker()
    const topics = [carried('out/#', 'out', 2, ['', 'site/']), carried('in/#', 'in', 2, ['from/', ''])]
    const local = await bridged({ up: { servers: [url(remote)], topics, protocolVersion } })
    await local.connected('up')
    const [near, far] = [await client(local.port), await client(remote.port)]
    await near.mqtt.subscribeAsync('from/#', { qos: 2 })
    await far.mqtt.subscribeAsync('site/#', { qos: 2 })
    for (const qos of [0, 1, 2] as const) {
      await near.mqtt.publishAsync('out/a', `out ${qos}`, { qos })
      expect(await far.next()).toMatchObject({ topic: 'site/out/a', payload: `out ${qos}`, qos })
      await far.mqtt.publishAsync('in/a', `in ${qos}`, { qos })
      expect(await near.next()).toMatchObject({ topic: 'from/in/a', payload: `in ${qos}`, qos })
    }
  })

  it('does not bring messages back that go in both directions', async () => {
    const remote = await remoteBroker()
    const local = await bridged({
      up: { servers: [url(remote)], topics: [carried('#', 'both')], protocolVersion: '5.0' },
    })
    await local.connected('up')
    const [near, far] = [await client(local.port), await client(remote.port)]
    await near.mqtt.subscribeAsync('#', { qos: 2 })
    await far.mqtt.subscribeAsync('#', { qos: 2 })
    await near.mqtt.publishAsync('a', 'from near', { qos: 2 })
    expect(await far.next()).toMatchObject({ payload: 'from near' })
    await far.mqtt.publishAsync('a', 'from far', { qos: 2 })
    expect((await near.take(2)).map(({ payload }) => payload)).toEqual(['from near', 'from far'])
    expect(await near.payloads()).toEqual([])
    await far.next()
    // Both got the message that `payloads` published as a mark.
    expect(await far.payloads()).toHaveLength(1)
  })
})

it('keeps messages while the remote broker is away, in their order', async () => {
  const remote = await remoteBroker()
  const proxy = await CutProxy.start(1)
  ends.push(() => proxy.stop())
  const local = await bridged({ up: { servers: [url(proxy)], topics: [carried('#', 'out')] } })
  const [near, far] = [await client(local.port), await client(remote.port)]
  await far.mqtt.subscribeAsync('#', { qos: 2 })
  for (let index = 0; index < 50; index += 1)
    await near.mqtt.publishAsync('a', `${index}`, { qos: index % 2 === 0 ? 1 : 2 })
  expect(local.bridge('up').waiting).toBe(50)
  proxy.leadTo(remote.port)
  const got = (await far.take(50)).map(({ payload }) => Number(payload))
  // The order of messages is that of each QoS [MQTT-4.6.0-5].
  const numbers = Array.from({ length: 50 }, (_, index) => index)
  for (const rest of [0, 1]) {
    const isOfQoS = (number: number) => number % 2 === rest
    expect(got.filter(isOfQoS)).toEqual(numbers.filter(isOfQoS))
  }
  await eventually(() => expect(local.bridge('up').inflight).toBe(0))
})

it('says its state in $SYS, here and at the remote broker', async () => {
  const remote = await remoteBroker()
  const proxy = await CutProxy.start(remote.port)
  ends.push(() => proxy.stop())
  const notify = { notifications: true, notificationTopic: 'state/of/bridge' }
  const local = await bridged({ up: { servers: [url(proxy)], topics: [carried('a', 'out')], ...notify } })
  const [near, far] = [await client(local.port), await client(remote.port)]
  const state = '$SYS/broker/connection/up/state'
  await local.connected('up')
  await near.mqtt.subscribeAsync(state)
  expect(await near.next()).toMatchObject({ topic: state, payload: '1', retain: true })
  await far.mqtt.subscribeAsync('state/#')
  expect(await far.next()).toMatchObject({ topic: 'state/of/bridge', payload: '1', retain: true })
  proxy.leadTo(1)
  proxy.cut()
  expect(await near.next()).toMatchObject({ payload: '0' })
  expect(await far.next()).toMatchObject({ payload: '0' })
  proxy.leadTo(remote.port)
  expect(await near.next()).toMatchObject({ payload: '1' })
  expect(await far.next()).toMatchObject({ payload: '1' })
})
