/** Traces of clients that are connected to a whole broker. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { traceStage } from '../../components/trace/index.ts'
import { tracer as tracerComponent } from '../../components/tracer/index.ts'
import type { Trace, TraceLine, Tracer } from '../../src/kinds/tracer.ts'
import { defineSystem } from '../../src/system/define-system.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

const system = defineSystem({
  ...quietSystem,
  tracer: { component: tracerComponent, dependencies: { logger: 'logger' } },
  trace: { component: traceStage, dependencies: { tracer: 'tracer', broker: 'broker' } },
  server: {
    ...quietSystem.server,
    dependencies: {
      ...quietSystem.server.dependencies,
      pipeline: ['mqttDecoder', 'trace', 'mqttHandler', 'mqttEncoder'],
    },
  },
})
let broker: Broker
let tracer: Tracer
const clients: RealClient[] = []
beforeEach(async () => {
  broker = await startBroker(system)
  tracer = (broker.map as unknown as { tracer: Tracer }).tracer
})
afterEach(async () => {
  for (const { mqtt } of clients.splice(0)) mqtt.end(true)
  await broker.stop()
})
const connect = async (clientId: string, version: 4 | 5 = 5, more: object = {}): Promise<RealClient> => {
  const client = await RealClient.connect(broker.port, version, { clientId, ...more })
  clients.push(client)
  return client
}
const short = ({ clientId, direction, packet, fields }: TraceLine): string =>
  [clientId, direction, packet, fields['topic'] ?? fields['filters'] ?? fields['granted'] ?? ''].join(' ').trim()
const linesOf = (trace: Trace): string[] => trace.lines().map(short)

it('shows what a client sends and is sent, from CONNECT to DISCONNECT, and nothing of others', async () => {
  const trace = tracer.start({ clientId: 'kitchen' })
  const client = await connect('kitchen', 5, { username: 'bob', password: 'secret' })
  const other = await connect('other')
  await client.mqtt.subscribeAsync('light/+', { qos: 1 })
  await other.mqtt.publishAsync('light/1', 'on', { qos: 1 })
  await client.next()
  await client.mqtt.publishAsync('light/2', 'off', { qos: 2 })
  await client.next()
  await client.mqtt.unsubscribeAsync('light/+')
  await client.mqtt.endAsync()
  await eventually(() => expect(trace.lines().at(-1)!.packet).toBe('DISCONNECT'))
  const lines = linesOf(trace)
  expect(lines.slice(0, 5)).toEqual([
    'kitchen received CONNECT',
    'kitchen sent CONNACK',
    'kitchen received SUBSCRIBE light/+ (QoS 1)',
    'kitchen sent SUBACK QoS 1',
    'kitchen sent PUBLISH light/1',
  ])
  for (const line of [
    'received PUBACK',
    'received PUBLISH light/2',
    'sent PUBREC',
    'received PUBREL',
    'sent PUBCOMP',
    'sent UNSUBACK Success (0x00)',
  ]) {
    expect(lines).toContain(`kitchen ${line}`)
  }
  expect(lines.filter((line) => !line.startsWith('kitchen '))).toEqual([])
  expect(JSON.stringify(trace.lines())).not.toMatch(/secret|bob|"payload"/)
})

it('reaches a connection that is open already, and ends at once', async () => {
  const client = await connect('kitchen')
  const trace = tracer.start({ clientId: 'kitchen', payloads: true })
  await client.mqtt.publishAsync('a', 'one', { qos: 1 })
  trace.stop()
  await client.mqtt.publishAsync('a', 'two', { qos: 1 })
  expect(linesOf(trace)).toEqual(['kitchen received PUBLISH a', 'kitchen sent PUBACK'])
  expect(trace.lines()[0]!.payload).toEqual({ base64: 'b25l', text: 'one', isCut: false })
})

it('follows a user, an address, and all that are given together', async () => {
  const [bob, ann] = [await connect('1', 5, { username: 'bob' }), await connect('2', 5, { username: 'ann' })]
  const traces = [
    tracer.start({ userName: 'bob' }),
    tracer.start({ address: '127.0.0.1' }),
    tracer.start({ address: '192.0.2.1' }),
    tracer.start({ userName: 'bob', clientId: '2' }),
  ]
  for (const client of [bob, ann]) await client.mqtt.publishAsync('a', '', { qos: 1 })
  expect(traces.map((trace) => trace.lines().map(({ clientId }) => clientId))).toEqual([
    ['1', '1'],
    ['1', '1', '2', '2'],
    [],
    [],
  ])
})

it('finds a client that the server named', async () => {
  const raw = await RawClient.connect(broker.port)
  raw.send(packetBytes('10 @ "MQTT" 04 02 0000 ""').toString('hex'))
  await raw.frame()
  const [id] = [...broker.map.broker.clients()].map((client) => client.id)
  const trace = tracer.start({ clientId: id! })
  raw.send('c000')
  await raw.frame()
  expect(trace.lines().map(({ packet }) => packet)).toEqual(['PINGREQ', 'PINGRESP'])
  const five = await connect('', 5)
  const assigned = five.connack.properties!.assignedClientIdentifier!
  const ofFive = tracer.start({ clientId: assigned })
  await five.mqtt.publishAsync('a', '', { qos: 1 })
  expect(linesOf(ofFive)[0]).toBe(`${assigned} received PUBLISH a`)
  raw.socket.destroy()
})

it('follows a topic: those who publish, receive and subscribe, also by alias', async () => {
  const trace = tracer.start({ topic: 'a/+' })
  const [reader, writer] = [
    await connect('reader', 5, { properties: { topicAliasMaximum: 5 } }),
    await connect('writer'),
  ]
  await reader.mqtt.subscribeAsync(['a/+', 'b'], { qos: 0 })
  const alias = { properties: { topicAlias: 1 } }
  await writer.mqtt.publishAsync('a/1', 'x', { qos: 1, ...alias })
  await writer.mqtt.publishAsync('', 'y', { qos: 1, ...alias })
  await writer.mqtt.publishAsync('b', 'z', { qos: 1 })
  await reader.take(3)
  expect(linesOf(trace).sort()).toEqual([
    'reader received SUBSCRIBE a/+ (QoS 0),b (QoS 0)',
    'reader sent PUBLISH a/1',
    'reader sent PUBLISH a/1',
    'writer received PUBLISH a/1',
    'writer received PUBLISH a/1',
  ])
})

it('shows each packet of a run, and leaves the runs of others whole', async () => {
  const subscriber = await connect('subscriber')
  await subscriber.mqtt.subscribeAsync('a')
  const raw = await RawClient.connect(broker.port)
  raw.send(packetBytes('10 @ "MQTT" 04 02 0000 "writer"').toString('hex'))
  await raw.frame()
  const [all, none] = [tracer.start({ clientId: 'writer' }), tracer.start({ clientId: 'nobody' })]
  const publish = (payload: string) => packetBytes(`30 @ "a" '${payload}'`).toString('hex')
  raw.send(...['one', 'two', 'three'].map(publish), 'c000')
  await raw.frame()
  expect((await subscriber.take(3)).map(({ payload }) => payload)).toEqual(['one', 'two', 'three'])
  expect(linesOf(all).slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'writer received PUBLISH a'))
  expect(none.lines()).toEqual([])
  raw.socket.destroy()
})

it('shows bytes that are no packet, with the reason and the clause', async () => {
  const trace = tracer.start({ address: '127.0.0.1' })
  const raw = await RawClient.connect(broker.port)
  raw.send(packetBytes('10 @ "MQTT" 05 02 0000 [] "bad"').toString('hex'))
  await raw.packet()
  await raw.send('f1 00').closed
  const line = trace.lines().find(({ packet }) => packet === 'Protocol error')!
  expect(line).toMatchObject({
    direction: 'received',
    clientId: 'bad',
    fields: { reason: expect.stringMatching(/0x8[12]/) },
  })
})
