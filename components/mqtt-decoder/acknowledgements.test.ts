import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { FakeConnection, PacketRecorder } from '../../test/helpers/fake-connection.ts'
import { packetBytes } from '../../test/helpers/packet-bytes.ts'
import { fuzzSeed } from '../../test/helpers/packets.ts'
import { ConnectionDecoder } from './connection-decoder.ts'
import { SharedDecoding } from './shared-decoding.ts'

/** Takes acknowledgements without objects, and writes down what each packet was, and after which ones it was told to act. */
class Acknowledged extends PacketRecorder {
  readonly seen: string[] = []
  readonly runs: number[] = []
  #run = 0

  override packet(packet: Parameters<PacketRecorder['packet']>[0]): void {
    super.packet(packet)
    const { cmd, messageId } = packet
    this.seen.push(`${cmd} ${messageId} ${'reasonCode' in packet ? packet.reasonCode || 0 : 0}`)
  }

  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    this.seen.push(`${acknowledgementName(type)} ${packetIdentifier} 0`)
    this.#run += 1
    if (!isLast) return
    this.runs.push(this.#run)
    this.#run = 0
  }
}

const opened = (recorder: PacketRecorder, version: ProtocolVersion) => {
  const connection = new FakeConnection()
  connection.protocolVersion = version
  const shared = new SharedDecoding({ maximumPacketSize: 1000, maximumConnectPacketSize: 1000 })
  return { connection, decoder: new ConnectionDecoder(connection, recorder, shared) }
}

const bytesOf = (notation: string) => Buffer.concat(notation.split('|').map(packetBytes))

it.each([
  ['one type', '40 @ 0001|40 @ 0002|40 @ ffff', [3]],
  ['several types', '50 @ 0001|50 @ 0002|62 @ 0001|70 @ 0009|40 @ 0001', [2, 1, 1, 1]],
  ['some between other packets', '40 @ 0001|c0 00|40 @ 0002|40 @ 0003', [1, 2]],
  ['some before one with a Reason Code', '40 @ 0001|40 @ 0002|40 @ 0003 10|40 @ 0004', [2, 1]],
] as const)('acknowledgements of %s come in runs', (_what, notation, runs) => {
  const recorder = new Acknowledged()
  opened(recorder, 5).decoder.bytes(bytesOf(notation))
  expect(recorder.runs).toEqual(runs)
  expect(recorder.errors).toEqual([])
})

it('a run is not longer than 256, and ends where the connection is closed', () => {
  const recorder = new Acknowledged()
  const { connection, decoder } = opened(recorder, 4)
  const chunk = bytesOf(Array(600).fill('40 @ 0007').join('|'))
  decoder.bytes(chunk)
  expect(recorder.runs).toEqual([256, 256, 88])
  recorder.acknowledge = () => connection.close('enough')
  decoder.bytes(chunk)
  expect(recorder.seen).toHaveLength(600)
})

it('nothing is taken behind a run upon which the connection was paused', () => {
  const recorder = new Acknowledged()
  const { connection, decoder } = opened(recorder, 4)
  recorder.acknowledge = () => connection.pause()
  expect(decoder.bytes(bytesOf('40 @ 0001|40 @ 0002|50 @ 0001|c0 00'))).toBe(8)
})

const anyPacket = fc.oneof(
  fc
    .record({ first: fc.constantFrom(0x40, 0x50, 0x62, 0x70, 0x60, 0x42, 0x6a), id: fc.nat(3) })
    .map(({ first, id }) => Buffer.of(first, 2, 0, id)),
  fc.constantFrom('40 @ 0001', '40 @ 0001 10', '50 @ 0002 00 00', '62 @ 0001 92', 'c0 00', '70 @ 01').map(bytesOf),
)

it.each([3, 4, 5] as const)('version %i: split in any way and passed to any stage, they are the same', (version) => {
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 30 }), fc.infiniteStream(fc.nat({ max: 40 })), (packets, sizes) => {
      const bytes = Buffer.concat(packets)
      const expected = new Acknowledged()
      // Without the method each comes as a packet.
      const asPackets = Object.assign(new PacketRecorder(), { packet: expected.packet.bind(expected) })
      opened(asPackets, version).decoder.bytes(bytes)
      const recorder = new Acknowledged()
      const { decoder } = opened(recorder, version)
      for (let at = 0; at < bytes.length; ) {
        const end = at + 1 + sizes.next().value
        decoder.bytes(bytes.subarray(at, end))
        at = end
      }
      expect(recorder.seen).toEqual(expected.seen)
      expect(recorder.errors).toEqual(asPackets.errors)
    }),
    { seed: fuzzSeed, numRuns: 300 },
  )
})
