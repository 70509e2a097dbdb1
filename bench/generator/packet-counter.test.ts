import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inFullRun, runs } from '../../test/helpers/full-run.ts'
import type { Qos, Version } from '../plan.ts'
import { PacketCounter, type PacketListener } from './packet-counter.ts'
import { encodePublish } from './packets.ts'

/** Writes down what a counter reads. */
class Recorder implements PacketListener {
  readonly seen: unknown[] = []
  message(...args: number[]): void {
    this.seen.push(['message', ...args])
  }
  acknowledged(...args: number[]): void {
    this.seen.push(['acknowledged', ...args])
  }
  other(type: number, body: Buffer): void {
    this.seen.push(['other', type, body.toString('hex')])
  }
}

interface Message {
  readonly qos: Qos
  readonly version: Version
  readonly topic: string
  readonly payloadBytes: number
  readonly userProperties: number
}

const encode = (message: Message, sequence: number): Buffer => {
  const { bytes, idOffset, payloadOffset } = encodePublish(message)
  if (message.qos > 0) bytes.writeUInt16BE(1000 + sequence, idOffset)
  bytes.writeUInt32BE(7, payloadOffset)
  bytes.writeUInt32BE(sequence, payloadOffset + 4)
  bytes.writeDoubleBE(sequence + 0.5, payloadOffset + 8)
  return bytes
}

const read = (bytes: Buffer, version: Version, chunks: readonly number[]): unknown[] => {
  const recorder = new Recorder()
  const counter = new PacketCounter(recorder, version)
  // The buffer is lent: a counter that kept a part of it would read what is written over it.
  const lent = Buffer.alloc(bytes.length)
  let start = 0
  for (let turn = 0; start < bytes.length; turn++) {
    const length = Math.max(1, chunks[turn % chunks.length]!)
    const copied = bytes.copy(lent, 0, start, start + length)
    counter.feed(lent, copied)
    lent.fill(0xff)
    start += copied
  }
  return recorder.seen
}

/** A little of everything that a broker sends, by version. */
const streamOf = (version: Version): { bytes: Buffer; expected: unknown[] } => {
  const messages = ([0, 1, 2] as const).flatMap((qos) =>
    [16, 64, 130, 20_000].map((payloadBytes) => ({
      qos,
      version,
      topic: `topic/${'x'.repeat(payloadBytes % 150)}`,
      payloadBytes,
      userProperties: version === 5 ? 3 : 0,
    })),
  )
  const parts: Buffer[] = [Buffer.from('20020000', 'hex')]
  const expected: unknown[] = [['other', 2, '0000']]
  for (const [sequence, message] of messages.entries()) {
    const { qos, payloadBytes } = message
    parts.push(encode(message, sequence), Buffer.of(0x40, 2, 0x12, sequence), Buffer.of(0xd0, 0))
    const packetId = qos === 0 ? 0 : 1000 + sequence
    expected.push(['message', qos << 1, packetId, 7, sequence, sequence + 0.5, payloadBytes])
    expected.push(['acknowledged', 4, 0x1200 + sequence, 0], ['other', 13, ''])
  }
  parts.push(Buffer.from('6204000997008203', 'hex').subarray(0, 6), Buffer.of(0x90, 200, 1), Buffer.alloc(200, 1))
  expected.push(['acknowledged', 6, 9, 0x97], ['other', 9, '01'.repeat(200)])
  return { bytes: Buffer.concat(parts), expected }
}

test.each([4, 5] as const)('version %i: everything is read, however the bytes are split', (version) => {
  const { bytes, expected } = streamOf(version)
  for (const length of [1, 2, ...inFullRun(3, 5, 63, 65), 64, 1000, bytes.length]) {
    expect(read(bytes, version, [length])).toEqual(expected)
  }
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }), (chunks) => {
      expect(read(bytes, version, chunks)).toEqual(expected)
    }),
    { numRuns: runs(50) },
  )
})

test('a message counts when its last byte is there', () => {
  const recorder = new Recorder()
  const counter = new PacketCounter(recorder, 4)
  const bytes = encode({ qos: 0, version: 4, topic: 'a', payloadBytes: 1000, userProperties: 0 }, 0)
  counter.feed(bytes.subarray(0, -1))
  expect(recorder.seen).toEqual([])
  counter.feed(bytes.subarray(-1))
  expect(recorder.seen).toHaveLength(1)
})

test.each([
  ['a message without a stamp', '30 04 00 01 61 00'],
  ['a Remaining Length of five bytes', '30 ff ff ff ff 01'],
  ['an acknowledgement without a Packet Identifier', '40 01 00'],
])('%s is an error', (_, hex) => {
  const counter = new PacketCounter(new Recorder(), 4)
  expect(() => counter.feed(Buffer.from(hex.replaceAll(' ', ''), 'hex'))).toThrow()
})
