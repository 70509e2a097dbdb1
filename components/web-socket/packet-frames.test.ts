import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { PacketFrames } from './packet-frames.ts'

const publish = (size: number, cmd: 'publish' | 'pingresp' = 'publish'): Buffer =>
  cmd === 'pingresp'
    ? generate({ cmd })
    : generate({ cmd, topic: 't', payload: Buffer.alloc(size, 'x'), qos: 0, dup: false, retain: false })

/** As text, which is compared at once and not byte by byte. */
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** The payloads of binary frames without a mask. */
const payloadsOf = (bytes: Buffer): string[] => {
  const payloads: string[] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x82)
    let length = bytes[at + 1]!
    at += 2
    if (length === 126) {
      length = bytes.readUInt16BE(at)
      at += 2
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at))
      at += 8
    }
    payloads.push(textOf(bytes.subarray(at, at + length)))
    at += length
  }
  return payloads
}

/** What is written for these pieces. */
const framed = (pieces: readonly Buffer[], frames = new PacketFrames()): readonly Uint8Array[] =>
  frames.frame(pieces, Buffer.concat(pieces).length)

/** Cuts bytes into pieces. @param cuts how long each is. */
const cut = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const pieces: Buffer[] = []
  let at = 0
  for (const length of cuts) {
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return [...pieces, bytes.subarray(at)]
}

describe('PacketFrames', () => {
  it('makes a frame of each packet, of any size, in one piece if all are small', () => {
    const packets = [publish(0), publish(0, 'pingresp'), publish(100), publish(125), publish(4_000)]
    const frames = framed([Buffer.concat(packets)])
    expect(frames).toHaveLength(1)
    expect(payloadsOf(Buffer.concat(frames))).toEqual(packets.map(textOf))
  })

  it('does not copy large packets', () => {
    const large = publish(100_000)
    const frames = framed([publish(1), large, publish(2)])
    expect(frames.some((piece) => piece.buffer === large.buffer && piece.length === large.length)).toBe(true)
    expect(payloadsOf(Buffer.concat(frames))).toEqual([publish(1), large, publish(2)].map(textOf))
  })

  it('keeps the packets apart wherever pieces are cut', () => {
    const size = fc.oneof(fc.nat(200), fc.constantFrom(4_090, 4_100, 70_000))
    const packets = fc.array(
      fc.oneof(
        size.map((length) => publish(length)),
        fc.constant(publish(0, 'pingresp')),
      ),
    )
    fc.assert(
      fc.property(packets, fc.array(fc.nat(3_000)), (all, cuts) => {
        const frames = framed(cut(Buffer.concat(all), cuts))
        expect(payloadsOf(Buffer.concat(frames))).toEqual(all.map(textOf))
      }),
    )
  })

  it('goes on with a packet that is written in several batches', () => {
    const packets = [publish(300), publish(0, 'pingresp'), publish(5)]
    const bytes = Buffer.concat(packets)
    for (let first = 0; first <= bytes.length; first += 1) {
      const frames = new PacketFrames()
      const payloads = [bytes.subarray(0, first), bytes.subarray(first)].flatMap((batch) =>
        payloadsOf(Buffer.concat(framed([batch], frames))),
      )
      expect(payloads.join('')).toBe(textOf(bytes))
      expect(payloads.length).toBeLessThanOrEqual(packets.length + 1)
    }
  })
})
