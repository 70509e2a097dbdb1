import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { RunningTrace, Trace, Tracer } from '../../src/kinds/tracer.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { malformedPacket } from '../../src/mqtt/refusal.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { clientInfo, FakeBroker } from '../../test/helpers/fake-broker.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { runOf } from '../../test/helpers/mailbox.ts'
import { publishOf } from '../../test/helpers/publish-packet.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { tracerConfig } from '../tracer/config.ts'
import { LocalTracer } from '../tracer/local-tracer.ts'
import { traceStage } from './index.ts'
import { TraceStage } from './trace-stage.ts'

let tracer: LocalTracer
beforeEach(() => {
  tracer = new LocalTracer(tracerConfig.parse({}), new RecordingLogger())
})
afterEach(() => tracer.stop())

const publish = (topic: string, topicAlias?: number) =>
  publishOf({
    ...{ cmd: 'publish', topic, payload: Buffer.from('x'), qos: 0, retain: false, dup: false },
    ...(topicAlias === undefined ? {} : { properties: { topicAlias } }),
  })

/** A receiver that takes everything, and what it got. */
const taking = () => {
  const got: unknown[] = []
  const next: PacketReceiver = {
    packet: (packet) => got.push(packet),
    publish: (packet) => got.push(packet),
    publishRun: (run) => got.push(run) > 0,
    publishIdentifiedRun: (run) => got.push(run) > 0,
    acknowledge: (...acknowledgement) => got.push(acknowledgement),
    fail: (error) => got.push(error),
  }
  return { got, next }
}

const open = (
  next: PacketReceiver,
  options: { connection?: FakeConnection; broker?: FakeBroker; by?: Tracer } = {},
) => {
  const { connection = new FakeConnection(), broker, by = tracer } = options
  const stage = new TraceStage(by, broker)
  const outgoing = stage.openOutgoing(connection, next)
  return { outgoing, incoming: stage.open(connection, next), connection }
}
const packetsOf = (trace: Trace) =>
  trace.lines().map(({ clientId, direction, packet }) => `${clientId} ${direction} ${packet}`)

it('while no trace runs, it looks once at each packet and passes the same objects on', () => {
  let looks = 0
  const idle = {
    get running() {
      looks += 1
      return undefined
    },
  } as Tracer
  const { got, next } = taking()
  for (const receiver of Object.values(open(next, { by: idle })).slice(0, 2) as Required<PacketReceiver>[]) {
    const packets = [publish('a'), runOf('a', ['1', '2']), runOf('a', ['1', '2']), malformedPacket('cut')] as const
    receiver.publish(packets[0])
    receiver.publishRun(packets[1])
    receiver.publishIdentifiedRun(packets[2], new Uint16Array(2))
    receiver.acknowledge(PacketType.Puback, 7, true)
    expect(looks).toBe(4)
    receiver.fail(packets[3])
    expect(got.splice(0)).toEqual([packets[0], packets[1], packets[2], [PacketType.Puback, 7, true], packets[3]])
    looks = 0
  }
})

it('a next stage without methods for runs and acknowledgements gets single packets', () => {
  const next = new PacketRecorder()
  const { incoming } = open(next)
  expect(incoming.publishRun!(runOf('a', ['1', '2']))).toBe(false)
  expect(incoming.publishIdentifiedRun!(runOf('a', ['1', '2']), new Uint16Array(2))).toBe(false)
  incoming.acknowledge!(PacketType.Pubrel, 7, true)
  expect(next.packets).toEqual([{ cmd: 'pubrel', messageId: 7 }])
})

it('a trace of another client costs its packets nothing: they are not read', () => {
  tracer.start({ clientId: 'other' })
  const { got, next } = taking()
  const { incoming } = open(next)
  incoming.packet(connectPacket())
  const unread = new Proxy(publish('a'), {
    get: () => {
      throw new Error('it was read')
    },
  })
  incoming.publish(unread)
  const run = runOf('a', ['1', '2'])
  expect(incoming.publishRun!(run)).toBe(true)
  expect([got[1] === unread, got[2] === run]).toEqual([true, true])
})

it('a run that a trace follows has a line for each packet, and stays one', () => {
  const { got, next } = taking()
  const { incoming, outgoing } = open(next)
  const trace = tracer.start({ topic: 'a', payloads: true })
  const runs = [runOf('a', ['1', '22']), runOf('a', ['1', '22'], 4, '', 1), runOf('a', ['1', '22'], 4, '', 1)]
  expect(incoming.publishRun!(runs[0]!)).toBe(true)
  expect(incoming.publishRun!(runs[1]!)).toBe(true)
  expect(outgoing.publishIdentifiedRun!(runs[2]!, Uint16Array.of(7, 8))).toBe(true)
  expect(outgoing.publishRun!(runOf('b', ['1', '2']))).toBe(true)
  expect(got.slice(0, 3)).toEqual(runs)
  const same = { cmd: 'publish', topic: 'a', retain: false, dup: false }
  expect(trace.lines().map(({ direction, fields, payload }) => [direction, fields, payload?.text])).toEqual([
    ['received', { ...same, qos: 0, payloadBytes: 1 }, '1'],
    ['received', { ...same, qos: 0, payloadBytes: 2 }, '22'],
    ['received', { ...same, qos: 1, messageId: 1, payloadBytes: 1 }, '1'],
    ['received', { ...same, qos: 1, messageId: 1, payloadBytes: 2 }, '22'],
    ['sent', { ...same, qos: 1, messageId: 7, payloadBytes: 1 }, '1'],
    ['sent', { ...same, qos: 1, messageId: 8, payloadBytes: 2 }, '22'],
  ])
})

it('the packets of a run come before what the stages behind answer to them', () => {
  const answering: PacketReceiver = {
    ...taking().next,
    publishRun: () => {
      outgoing.acknowledge!(PacketType.Puback, 1, true)
      return true
    },
  }
  const connection = new FakeConnection()
  const stage = new TraceStage(tracer, undefined)
  const outgoing = stage.openOutgoing(connection, taking().next)
  const trace = tracer.start({ address: connection.peer.address })
  stage.open(connection, answering).publishRun!(runOf('a', ['1', '2'], 4, '', 1))
  expect(packetsOf(trace).map((line) => line.replace('undefined ', ''))).toEqual([
    'received PUBLISH',
    'received PUBLISH',
    'sent PUBACK',
  ])
})

describe('the packets of a run that the stages behind leave', () => {
  const topics = (trace: Trace) => trace.lines().map(({ fields }) => fields['topic'])

  it('have one line each when they come one by one', () => {
    const { incoming, outgoing } = open({ ...taking().next, publishRun: () => false })
    const trace = tracer.start({ topic: '+' })
    expect(incoming.publishRun!(runOf('a', ['1', '2']))).toBe(false)
    outgoing.publish(publish('sent'))
    for (const topic of ['a', 'a', 'b']) incoming.publish(publish(topic))
    expect(outgoing.publishRun!(runOf('c', ['1', '2']))).toBe(false)
    outgoing.publish(publish('c'))
    expect(topics(trace)).toEqual(['a', 'a', 'sent', 'b', 'c'])
  })

  it('have one line each when they come as another run, with further packets', () => {
    const take = vi.fn((run: PublishRun) => {
      run.limit(2)
      return true
    })
    const { incoming } = open({ ...taking().next, publishRun: take })
    const trace = tracer.start({ topic: 'a', payloads: true })
    incoming.publishRun!(runOf('a', ['1', '2', '3', '4', '5']))
    incoming.publishRun!(runOf('a', ['3', '4', '5', '6']))
    incoming.publish(publish('a'))
    incoming.publish(publish('a'))
    incoming.publish(publish('a'))
    expect(trace.lines().map(({ payload }) => payload!.text)).toEqual(['1', '2', '3', '4', '5', '6', 'x'])
  })

  it('are known to the stage that continues after a swap', () => {
    const { next } = taking()
    const { incoming, connection } = open({ ...next, publishRun: () => false })
    const trace = tracer.start({ topic: 'a' })
    incoming.publishRun!(runOf('a', ['1', '2']))
    const continued = new TraceStage(tracer, undefined).open(connection, next, incoming.handOver!())
    for (let count = 0; count < 3; count += 1) continued.publish(publish('a'))
    expect(trace.count).toBe(3)
  })

  it('are counted as missed once', () => {
    const { incoming } = open({ ...taking().next, publishRun: () => false })
    const trace = tracer.start({ topic: 'a' })
    while (trace.missed === 0) incoming.publish(publish('a'))
    incoming.publishRun!(runOf('a', Array<string>(1_000).fill('x')))
    for (let count = 0; count < 1_000; count += 1) incoming.publish(publish('a'))
    expect(trace.missed).toBe(1_001)
  })
})

it('a trace that has had its lines of this second counts the packets of a run as missed, and the run stays one', () => {
  const { got, next } = taking()
  const { incoming } = open(next)
  const trace = tracer.start({ topic: 'a' })
  while (trace.missed === 0) incoming.publish(publish('a'))
  const lines = trace.count
  got.splice(0)
  expect(incoming.publishRun!(runOf('a', Array<string>(1_000).fill('x')))).toBe(true)
  expect([got.length, trace.missed, trace.count, tracer.counters.missed]).toEqual([1, 1_001, lines, 1_001])
})

it('finds the user of a certificate, once authentication has found it', () => {
  const broker = new FakeBroker()
  const { next } = taking()
  const { incoming, outgoing, connection } = open(next, { broker })
  const [trace, other] = [tracer.start({ userName: 'device-7' }), tracer.start({ userName: 'device-8' })]
  incoming.packet(connectPacket({ clientId: 'x' }))
  broker.connected.set('x', clientInfo('x', { userName: 'device-7', peer: connection.peer }))
  outgoing.packet({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
  incoming.packet({ cmd: 'pingreq' })
  expect(packetsOf(trace)).toEqual(['x sent CONNACK', 'x received PINGREQ'])
  expect(other.count).toBe(0)
})

it('a client of the same name on another connection is another one', () => {
  const broker = new FakeBroker()
  const { incoming } = open(taking().next, { broker })
  broker.connected.set('x', clientInfo('x', { userName: 'bob' }))
  const trace = tracer.start({ userName: 'bob' })
  incoming.packet(connectPacket({ clientId: 'x' }))
  incoming.packet({ cmd: 'pingreq' })
  expect(trace.count).toBe(0)
})

it('knows an alias that was given while a trace follows the client, and no other', () => {
  const { incoming } = open(taking().next)
  incoming.packet(connectPacket())
  incoming.publish(publish('a/before', 1))
  const [byTopic, byClient] = [tracer.start({ topic: 'a/#' }), tracer.start({ clientId: 'client' })]
  incoming.publish(publish('', 1))
  incoming.publish(publish('a/now', 2))
  incoming.publish(publish('', 2))
  expect(byTopic.lines().map(({ fields }) => fields['topic'])).toEqual(['a/now', 'a/now'])
  expect(byClient.lines().map(({ fields }) => [fields['topic'], fields['topicAlias']])).toEqual([
    ['', 1],
    ['a/now', 2],
    ['a/now', 2],
  ])
})

it('forgets an alias that may have changed while no trace followed the client', () => {
  const { incoming } = open(taking().next)
  incoming.packet(connectPacket())
  const first = tracer.start({ clientId: 'client' })
  incoming.publish(publish('a/before', 1))
  const second = tracer.start({ topic: 'a/#' })
  incoming.packet({ cmd: 'pingreq' })
  first.stop()
  incoming.publish(publish('', 1))
  second.stop()
  incoming.publish(publish('b/now', 1))
  const third = tracer.start({ topic: 'a/#' })
  incoming.publish(publish('', 1))
  expect(second.lines().map(({ fields }) => fields['topic'])).toEqual(['a/before'])
  expect(third.count).toBe(0)
})

it('packets before CONNECT are followed by their address', () => {
  const trace = tracer.start({ address: '127.0.0.1' })
  const { incoming } = open(taking().next)
  incoming.packet({ cmd: 'pingreq' })
  incoming.fail!(malformedPacket('It was cut short.', 'MQTT-1.5.4-1'))
  expect(packetsOf(trace)).toEqual(['undefined received PINGREQ', 'undefined received Protocol error'])
  expect((tracer.running as readonly RunningTrace[])[0]!.lines()[1]!.fields).toMatchObject({ clause: 'MQTT-1.5.4-1' })
})

it('a trace of a topic has its subscriptions and their ends, and no protocol error or packet of another kind', () => {
  const trace = tracer.start({ topic: 'a/#' })
  const { incoming } = open(taking().next)
  const subscription = (topic: string) => ({ topic, qos: 0 as const })
  incoming.packet(connectPacket())
  incoming.packet({ cmd: 'subscribe', messageId: 1, subscriptions: [subscription('x'), subscription('a/#')] })
  incoming.packet({ cmd: 'subscribe', messageId: 2, subscriptions: [subscription('b')] })
  incoming.packet({ cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['a/#'] })
  incoming.packet({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['b'] })
  incoming.fail!(malformedPacket('It was cut short.'))
  expect(trace.lines().map(({ packet }) => packet)).toEqual(['SUBSCRIBE', 'UNSUBSCRIBE'])
})

it('a trace takes no more lines in a second than it may, of any kind', () => {
  tracer.stop()
  tracer = new LocalTracer(tracerConfig.parse({ maximumLinesPerSecond: 1 }), new RecordingLogger())
  const trace = tracer.start({ address: '127.0.0.1' })
  const { incoming } = open(taking().next)
  incoming.packet({ cmd: 'pingreq' })
  incoming.packet({ cmd: 'pingreq' })
  incoming.publish(publish('a'))
  incoming.fail!(malformedPacket('It was cut short.'))
  expect([trace.count, trace.missed]).toEqual([1, 3])
})

it('knows the Client Identifier that the broker has assigned', () => {
  const { incoming, outgoing } = open(taking().next)
  const trace = tracer.start({ clientId: 'assigned' })
  incoming.packet(connectPacket({ clientId: '' }))
  const connack = { cmd: 'connack', reasonCode: 0, sessionPresent: false } as const
  outgoing.packet({ ...connack, properties: { assignedClientIdentifier: 'assigned' } })
  incoming.packet({ cmd: 'pingreq' })
  expect(packetsOf(trace)).toEqual(['assigned sent CONNACK', 'assigned received PINGREQ'])
})

it('a trace goes on over a swap of the stage: the client and its Topic Aliases are known', () => {
  const { next } = taking()
  const { incoming, outgoing, connection } = open(next)
  incoming.packet(connectPacket({ clientId: 'kitchen', username: 'bob' }))
  const trace = tracer.start({ userName: 'bob' })
  incoming.publish(publish('a/topic', 3))
  const stage = new TraceStage(tracer, undefined)
  const sent = stage.openOutgoing(connection, next, outgoing.handOver!())
  const received = stage.open(connection, next, incoming.handOver!())
  received.publish(publish('', 3))
  sent.publish(publish('b'))
  expect(packetsOf(trace)).toEqual(['kitchen received PUBLISH', 'kitchen received PUBLISH', 'kitchen sent PUBLISH'])
  expect(trace.lines()[1]!.fields).toMatchObject({ topic: 'a/topic' })
})

it('a stage that is added in the middle of a connection knows its Client Identifier', () => {
  const connection = new FakeConnection()
  connection.clientId = 'kitchen'
  const trace = tracer.start({ clientId: 'kitchen' })
  const { incoming } = open(taking().next, { connection })
  incoming.publish(publish('a'))
  expect(packetsOf(trace)).toEqual(['kitchen received PUBLISH'])
})

it('the neighbour and the broker may be replaced in place; another tracer needs a swap', async () => {
  const [first, second] = [taking(), taking()]
  const stage = new TraceStage(tracer, undefined)
  const context = lifecycleContext('trace')
  const connection = new FakeConnection()
  connection.clientId = 'assigned'
  const receiver = stage.open(connection, first.next)
  ;(receiver.redirect as (next: PacketReceiver) => void)(second.next)
  receiver.packet({ cmd: 'pingreq' })
  expect([first.got.length, second.got.length]).toEqual([0, 1])
  const broker = new FakeBroker()
  const adjustment = await traceStage.adjust!(stage, {}, { tracer, broker }, context)
  adjustment.commit()
  expect(stage.broker).toBe(broker)
  adjustment.undo()
  expect(stage.broker).toBeUndefined()
  const another = new LocalTracer(tracerConfig.parse({}), new RecordingLogger())
  expect(() => traceStage.adjust!(stage, {}, { tracer: another, broker: undefined }, context)).toThrow('another one')
  another.stop()
})
