import { afterEach, expect, it, vi } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { countWork } from '../../test/helpers/count-work.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { packetBytes } from '../../test/helpers/packet-bytes.ts'
import { ConnectionDecoder } from './connection-decoder.ts'
import { SharedDecoding } from './shared-decoding.ts'

const MEGABYTE = 1_048_576
const CONNECT = packetBytes('10 @ "MQTT" 05 02 003c [] "c"')

const opened = () => {
  const shared = new SharedDecoding({ maximumPacketSize: 268_435_460, maximumConnectPacketSize: 1000 })
  const recorder = new PacketRecorder()
  // Looks at a PUBLISH without a copy, so that the decoder's own work can be counted.
  const publishes: { bytes: Buffer; payloadLength: number }[] = []
  recorder.publish = ({ message: { bytes, payloadLength } }) => void publishes.push({ bytes, payloadLength })
  const decoder = new ConnectionDecoder(new FakeConnection(), recorder, shared)
  decoder.bytes(CONNECT)
  return { decoder, recorder, publishes }
}

const feedInChunks = (decoder: ConnectionDecoder, bytes: Buffer, chunkLength: number): void => {
  for (let at = 0; at < bytes.length; at += chunkLength) decoder.bytes(bytes.subarray(at, at + chunkLength))
}

afterEach(() => {
  vi.restoreAllMocks()
})

it.each([
  ['a payload', `30 @ "a" [] ${'00'.repeat(140_000)}`],
  ['user properties', `30 @ "a" [${'26 "name" "value"'.repeat(10_000)}]`],
])('the decoder does work linear in the bytes for %s of 140,000 bytes in chunks of 10', (_what, notation) => {
  const packet = packetBytes(notation)
  const { decoder, publishes } = opened()
  const work = countWork()
  feedInChunks(decoder, packet, 10)
  vi.restoreAllMocks()
  expect(publishes).toHaveLength(1)
  expect(work.copied).toBeGreaterThanOrEqual(140_000)
  expect(work.copied).toBeLessThan(2 * packet.length)
  expect(work.allocated).toBeLessThan(2 * packet.length)
})

it('the decoder allocates memory for received bytes, not for announced bytes', () => {
  const { decoder } = opened()
  const announcement = packetBytes('30 ffffff7f 00')
  const body = Buffer.alloc(MEGABYTE)
  const work = countWork()
  decoder.bytes(announcement)
  expect(work.allocated).toBeLessThanOrEqual(4096)
  feedInChunks(decoder, body, 65_536)
  vi.restoreAllMocks()
  expect(work.allocated).toBeLessThan(8 * MEGABYTE)
  expect(work.copied).toBeLessThan(2 * MEGABYTE)
})

it('the decoder does not copy or allocate for a packet within one chunk: its message is in the chunk', () => {
  const { decoder, publishes } = opened()
  const work = countWork()
  const chunk = packetBytes('30 @ "a" [] \'payload\'')
  work.copied = 0
  work.allocated = 0
  decoder.bytes(chunk)
  vi.restoreAllMocks()
  expect(work).toEqual({ allocated: 0, copied: 0 })
  expect(publishes).toEqual([{ bytes: chunk, payloadLength: 7 }])
  expect(publishes[0]?.bytes).toBe(chunk)
})

it('makes no strings and no views of a packet that is not kept, with properties of all kinds at either end', () => {
  const { decoder, publishes } = opened()
  const chunk = packetBytes('33 @ "a" 0001 [02 00000001 26 "k" "v" 03 "type" 23 0003] \'payload\'')
  const spies = (['subarray', 'slice', 'toString'] as const).map((method) => vi.spyOn(Buffer.prototype, method))
  const work = countWork()
  decoder.bytes(chunk)
  const calls = spies.map((spy) => spy.mock.calls.length)
  vi.restoreAllMocks()
  expect([calls, work]).toEqual([[0, 0, 0], { allocated: 0, copied: 0 }])
  expect(publishes).toHaveLength(1)
})

it('adds the Message Expiry Interval to the time, which it asks for no other message', () => {
  const nowMs = vi.fn(() => 5000)
  const shared = new SharedDecoding({ maximumPacketSize: 1000, maximumConnectPacketSize: 1000 }, nowMs)
  const recorder = new PacketRecorder()
  const decoder = new ConnectionDecoder(new FakeConnection(), recorder, shared)
  decoder.bytes(CONNECT)
  decoder.bytes(packetBytes('30 @ "a" []'))
  expect(nowMs).not.toHaveBeenCalled()
  for (const seconds of ['00000000', '00000002', 'ffffffff']) decoder.bytes(packetBytes(`30 @ "a" [02 ${seconds}]`))
  const expiries = recorder.publishes.map(({ message }) => message.expiresAtMs)
  expect(expiries).toEqual([Number.POSITIVE_INFINITY, 5000, 7000, 5000 + 0xffff_ffff * 1000])
})

it('releases a partial packet when the connection is gone, and reads nothing more', () => {
  const { decoder, recorder } = opened()
  decoder.bytes(packetBytes('30 05 0001'))
  decoder.closed()
  decoder.bytes(packetBytes("'a' 00 00"))
  decoder.bytes(packetBytes('c0 00'))
  expect(recorder.packets).toHaveLength(1)
  expect(recorder.errors).toEqual([])
})

it('the decoder offers memory for the rest of a large packet, four times the bytes that have come', () => {
  const { decoder, publishes } = opened()
  const packet = packetBytes(`30 @ "a" [] ${'78'.repeat(1_000_000)}`)
  let at = 0
  const read = (length: number) => {
    decoder.bytes(packet.subarray(at, at + length))
    at += length
  }
  expect(decoder.readBuffer()).toBeUndefined()
  read(100)
  expect(decoder.readBuffer()).toBeUndefined()
  read(30_000)
  expect(decoder.readBuffer()?.length).toBe(4 * 30_100 - 30_100)
  while (at < packet.length) {
    const memory = decoder.readBuffer()
    if (memory === undefined) read(65_536)
    else {
      // Less than the memory takes, as the network delivers it.
      const length = Math.min(50_000, memory.length, packet.length - at)
      packet.copy(memory, 0, at, at + length)
      decoder.bytesRead(length)
      at += length
    }
  }
  expect(decoder.readBuffer()).toBeUndefined()
  expect(publishes.map(({ bytes }) => bytes.equals(packet))).toEqual([true])
})

it('the decoder copies less than half of a large packet when it is read to where there is room', () => {
  const { decoder, publishes } = opened()
  const packet = packetBytes(`30 @ "a" [] ${'78'.repeat(MEGABYTE)}`)
  decoder.bytes(packet.subarray(0, 65_536))
  const work = countWork()
  for (let at = 65_536; at < packet.length; ) {
    const memory = decoder.readBuffer() ?? Buffer.alloc(0)
    const length = Math.min(memory.length || 65_536, packet.length - at)
    if (memory.length > 0) decoder.bytesRead(packet.copy(memory, 0, at, at + length))
    else decoder.bytes(packet.subarray(at, at + length))
    at += length
  }
  vi.restoreAllMocks()
  expect(publishes).toHaveLength(1)
  expect(work.copied).toBeLessThan(0.5 * MEGABYTE)
})

it('drops what is read to where the decoder offered memory, after it was closed', () => {
  const { decoder, publishes } = opened()
  const packet = packetBytes(`30 @ "a" [] ${'78'.repeat(100_000)}`)
  decoder.bytes(packet.subarray(0, 30_000))
  const memory = decoder.readBuffer()!
  decoder.closed()
  expect(decoder.readBuffer()).toBeUndefined()
  decoder.bytesRead(packet.copy(memory, 0, 30_000))
  expect(publishes).toEqual([])
})

it('the Maximum Packet Size of CONNACK applies to the client, even if the config changes later', () => {
  const limits = { maximumPacketSize: 200, maximumConnectPacketSize: 130 }
  const shared = new SharedDecoding(limits)
  const open = () => {
    const recorder = new PacketRecorder()
    const connection = new FakeConnection()
    const decoder = new ConnectionDecoder(connection, recorder, shared)
    decoder.bytes(CONNECT)
    return { connection, decoder, recorder }
  }
  const earlier = open()
  limits.maximumPacketSize = 140
  const later = open()
  expect([earlier, later].map(({ connection }) => connection.maximumIncomingPacketSize)).toEqual([200, 140])
  const packet = packetBytes(`30 @ "a" [] ${'00'.repeat(150)}`)
  for (const { decoder } of [earlier, later]) decoder.bytes(packet)
  expect(earlier.recorder.errors).toEqual([])
  expect(later.recorder.errors).toMatchObject([{ reasonCode: ReasonCode.PacketTooLarge }])
})

it('a listener may have a Maximum Packet Size of its own, above or below that of the decoder', () => {
  const open = (maximumPacketSize: number | undefined) => {
    const shared = new SharedDecoding({ maximumPacketSize: 100, maximumConnectPacketSize: 1000 })
    const [connection, recorder] = [new FakeConnection(), new PacketRecorder()]
    connection.listener = { mountPoint: '', maximumPacketSize }
    const decoder = new ConnectionDecoder(connection, recorder, shared)
    decoder.bytes(CONNECT)
    return {
      connection,
      recorder,
      publish: (payload: number) => decoder.bytes(packetBytes(`30 @ "a" [] ${'00'.repeat(payload)}`)),
    }
  }
  for (const [own, limit] of [
    [undefined, 100],
    [40, 40],
    [127, 127],
  ] as const) {
    const { connection, recorder, publish } = open(own)
    expect(connection.maximumIncomingPacketSize).toBe(limit)
    // Fixed header, Topic Name and Property Length.
    publish(limit - 6)
    expect(recorder.publishes).toHaveLength(1)
    publish(limit - 5)
    expect(recorder.errors).toMatchObject([{ reasonCode: ReasonCode.PacketTooLarge }])
    const owner = own === undefined ? 'mqttDecoder' : connection.peer.listener
    expect(recorder.errors[0]!.message).toContain(`more than ${owner}.maximumPacketSize (${limit})`)
  }
})
