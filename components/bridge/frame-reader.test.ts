import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FrameReader } from './frame-reader.ts'

const packet = (length: number, first = 0x30): Buffer => {
  const header: number[] = [first]
  let rest = length
  do {
    header.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), Buffer.alloc(length, length & 0xff)])
}

const read = (reader: FrameReader): Buffer[] => {
  const packets: Buffer[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
    expect(frame.firstByte).toBe(frame.bytes[frame.headerStart])
    expect(frame.bytes.subarray(frame.start, frame.end)).toHaveLength(frame.end - frame.start)
    packets.push(frame.bytes.subarray(frame.headerStart, frame.end))
  }
  return packets
}

it('finds the same packets however the bytes are divided', () => {
  const lengths = fc.array(fc.oneof(fc.nat(3), fc.constantFrom(127, 128, 300, 16_383, 16_384)), { maxLength: 8 })
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(400), { minLength: 1 }), (sizes, cuts) => {
      const packets = sizes.map((size) => packet(size))
      const bytes = Buffer.concat(packets)
      const reader = new FrameReader(1_000_000)
      const found: Buffer[] = []
      for (let at = 0, index = 0; at < bytes.length; index += 1) {
        const end = at + 1 + cuts[index % cuts.length]!
        reader.push(bytes.subarray(at, end))
        found.push(...read(reader))
        at = end
      }
      expect(Buffer.concat(found).equals(bytes)).toBe(true)
      expect(found).toHaveLength(packets.length)
      expect(reader.pending).toBe(0)
    }),
  )
})

it('looks at a large packet again only when it is complete', () => {
  const reader = new FrameReader(1_000_000)
  const bytes = packet(100_000)
  const complete: boolean[] = []
  for (let at = 0; at < bytes.length; at += 1_000) {
    reader.push(bytes.subarray(at, at + 1_000))
    complete.push(reader.isComplete)
    if (at + 1_000 < bytes.length && reader.next() !== undefined) throw new Error('it is not complete')
  }
  expect(complete.filter(Boolean)).toHaveLength(2) // the fixed header, and the end
  expect(read(reader)).toEqual([bytes])
})

it('gives the beginning of a message that is too large and may come again, and passes over the rest, however the bytes are divided', () => {
  const large = (qos: number) => {
    const bytes = packet(300, 0x30 | (qos << 1))
    // Its Topic Name has five bytes.
    bytes.set([0, 5], 3)
    return bytes
  }
  fc.assert(
    fc.property(fc.constantFrom(1, 2), fc.array(fc.nat(400), { minLength: 1 }), (qos, cuts) => {
      const bytes = Buffer.concat([packet(3), large(qos), packet(4)])
      const reader = new FrameReader(100)
      const found: [length: number, size: number][] = []
      for (let at = 0, index = 0; at < bytes.length; index += 1) {
        const end = at + 1 + cuts[index % cuts.length]!
        reader.push(bytes.subarray(at, end))
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          found.push([frame.end - frame.headerStart, frame.size])
        }
        at = end
      }
      // Two bytes of the length of the Topic Name, the Topic Name, and the Packet Identifier.
      expect(found).toEqual([
        [5, 5],
        [3 + 2 + 5 + 2, 303],
        [6, 6],
      ])
      expect(reader.pending).toBe(0)
    }),
  )
})

it('refuses a message that is too large and whose Topic Name does not end', () => {
  const reader = new FrameReader(100)
  const bytes = packet(300, 0x32)
  bytes.set([0xff, 0xff], 3)
  reader.push(bytes)
  expect(() => reader.next()).toThrow('303 bytes, more than maximumPacketSize')
})

it('refuses a packet that is too large as soon as its length is known, and an illegal length', () => {
  const reader = new FrameReader(100)
  reader.push(packet(1_000).subarray(0, 3))
  expect(() => reader.next()).toThrow('1003 bytes, more than maximumPacketSize')
  const other = new FrameReader(100)
  other.push(Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff]))
  expect(() => other.next()).toThrow('length is not legal')
})
