import fc from 'fast-check'
import { generate, type Packet } from 'mqtt-packet'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import type { DecoderInput, DecoderStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { runs } from '../../test/helpers/full-run.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { mqttDecoder } from './index.ts'

type Decoder = DecoderStage & { readonly partials: { readonly bytes: number; readonly refused: number } }

const context = lifecycleContext('mqttDecoder')
const make = (config: object = {}): Decoder =>
  mqttDecoder.start(mqttDecoder.config.parse(config), {}, context) as Decoder
const handover = mqttDecoder.handover!

let decoder: Decoder
let connection: FakeConnection
let recorder: PacketRecorder
let input: DecoderInput
const open = (of: Connection = connection, next: PacketReceiver = recorder, handed?: unknown) =>
  decoder.open(of, next, handed)
const start = (config: object = {}) => {
  decoder = make(config)
  connection = new FakeConnection()
  recorder = new PacketRecorder()
  input = open()
}
beforeEach(() => start())

/** Another decoder continues. @param isUndone whether the one before goes on all the same. */
const swap = (isUndone: boolean, config: object = {}): void => {
  const [before, end] = [decoder, input]
  decoder = handover.prepare(mqttDecoder.config.parse(config), {}, context) as Decoder
  const undo = handover.take(decoder as never, handover.give(before as never))
  input = open(connection, recorder, end.handOver!())
  if (isUndone) {
    input.left?.()
    end.takeBack!()
    undo()
    ;[decoder, input] = [before, end]
  } else end.left?.()
}

const packets: Packet[] = [
  connectPacket({}, 5),
  {
    cmd: 'publish',
    topic: 'a/b',
    payload: Buffer.from('x'.repeat(200)),
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  },
  { cmd: 'puback', messageId: 3 },
  { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'a/#', qos: 1 }] },
  { cmd: 'publish', topic: 'b', payload: Buffer.from(''), qos: 0, dup: false, retain: false },
  { cmd: 'pingreq' },
]
const bytes = Buffer.concat(packets.map((packet) => generate(packet, { protocolVersion: 5 })))

const cutAt = (...places: readonly number[]): Buffer[] =>
  [0, ...places].map((place, index) => bytes.subarray(place, places[index] ?? bytes.length))

it.each([false, true])('a swap between any two bytes changes nothing; undone: %s', (isUndone) => {
  input.bytes(Buffer.from(bytes))
  const expected = recorder.packets
  expect(expected).toHaveLength(packets.length)
  for (let place = 1; place < bytes.length; place += 1) {
    start()
    for (const part of cutAt(place)) {
      input.bytes(Buffer.from(part))
      swap(isUndone)
    }
    expect(recorder.packets).toEqual(expected)
    expect(decoder.partials.bytes).toBe(0)
  }
})

it('so do many swaps, undone or not, at random places', () => {
  input.bytes(Buffer.from(bytes))
  const expected = recorder.packets
  const places = fc.uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(places, fc.infiniteStream(fc.boolean()), (found, isUndone) => {
      start()
      for (const part of cutAt(...found.sort((a, b) => a - b))) {
        input.bytes(Buffer.from(part))
        swap(isUndone.next().value!)
      }
      expect(recorder.packets).toEqual(expected)
    }),
    { numRuns: runs(1_000), seed: fuzzSeed },
  )
})

describe('a large packet that came in part', () => {
  const large = generate({
    ...{ cmd: 'publish', topic: 'a', payload: Buffer.alloc(300_000, 'x'), qos: 0, dup: false, retain: false },
  })
  beforeEach(() => {
    input.bytes(generate(connectPacket({}, 4)))
    input.bytes(large.subarray(0, 100_000))
  })

  it('continues in its memory, into which the next bytes are on their way', () => {
    const memory = input.readBuffer!()!
    large.copy(memory, 0, 100_000)
    swap(true)
    swap(false)
    expect(input.readBuffer!()!.buffer).toBe(memory.buffer)
    input.bytesRead!(large.length - 100_000)
    expect(recorder.publishes[0]!.message.payloadLength).toBe(300_000)
  })

  it('counts once, and the decoder that continues is the one that refuses it', () => {
    const held = decoder.partials.bytes
    swap(true)
    swap(false)
    expect(decoder.partials.bytes).toBe(held)
    mqttDecoder.adjust!(decoder as never, mqttDecoder.config.parse({ maximumTotalPartialBytes: 1024 }), {}, context)
    swap(false, { maximumTotalPartialBytes: 1024 })
    const other = new FakeConnection(2)
    const next = new PacketRecorder()
    const second = open(other, next)
    second.bytes(generate(connectPacket({}, 4)))
    second.bytes(large.subarray(0, 10))
    expect(recorder.errors).toMatchObject([{ reasonCode: ReasonCode.QuotaExceeded }])
    expect([decoder.partials.refused > 0, decoder.partials.bytes]).toEqual([true, 0])
    const { refused } = decoder.partials
    swap(false)
    expect(decoder.partials.refused).toBe(refused)
  })

  it('is given back when the connection closes after a swap', () => {
    swap(false)
    input.closed!()
    expect(decoder.partials.bytes).toBe(0)
  })
})

it('what was negotiated stays with a connection; other limits hold for those that open later', async () => {
  start({ maximumPacketSize: 1_000 })
  input.bytes(generate(connectPacket({}, 5)))
  const config = mqttDecoder.config.parse({ maximumPacketSize: 100, maximumFilters: 1 })
  const adjustment = await mqttDecoder.adjust!(decoder as never, config, {}, context)
  adjustment.commit()
  swap(false, config)
  const publish = generate({
    ...{ cmd: 'publish', topic: 'a', payload: Buffer.alloc(500), qos: 0, dup: false, retain: false },
  })
  input.bytes(publish)
  expect([recorder.packets.length, recorder.errors]).toEqual([2, []])
  expect(connection.maximumIncomingPacketSize).toBe(1_000)
  const later = new FakeConnection(2)
  open(later)
  expect(later.maximumIncomingPacketSize).toBe(100)
  input.bytes(generate(packets[3]!, { protocolVersion: 5 }))
  const two = [
    { topic: 'a', qos: 0 as const },
    { topic: 'b', qos: 0 as const },
  ]
  input.bytes(generate({ cmd: 'subscribe', messageId: 4, subscriptions: two }, { protocolVersion: 5 }))
  expect(recorder.errors).toMatchObject([{ reasonCode: ReasonCode.QuotaExceeded }])
})

it('an adjustment that is undone changes nothing', async () => {
  const config = mqttDecoder.config.parse({ maximumPacketSize: 40, maximumTotalPartialBytes: 1024 })
  const adjustment = await mqttDecoder.adjust!(decoder as never, config, {}, context)
  adjustment.commit()
  adjustment.undo()
  const later = new FakeConnection(2)
  open(later)
  expect(later.maximumIncomingPacketSize).toBe(16 * 1024 ** 2)
})

it('the next stage may be replaced, also by one that takes fewer forms', () => {
  input.bytes(generate(connectPacket({}, 4)))
  const next = new PacketRecorder()
  ;(input.redirect as (receiver: PacketReceiver) => void)(next)
  input.bytes(bytes.subarray(bytes.length - 2))
  expect([recorder.packets.length, next.packets]).toMatchObject([1, [{ cmd: 'pingreq' }]])
})

it('the state of another version is refused', () => {
  expect(() => open(connection, recorder, { version: 0 })).toThrow('another version')
})
