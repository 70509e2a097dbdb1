import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientFrame } from '../../test/helpers/web-socket-frames.ts'
import { CONTROL_FRAMES, FRAMES_PER_STEP, FrameReader, SMALL_FRAMES } from './frame-reader.ts'

/** Reads chunks, each copied: the reader changes them. */
const readAll = (chunks: readonly Uint8Array[]) => {
  const found = {
    data: Buffer.alloc(0),
    pings: [] as string[],
    closed: 0,
    failed: undefined as string | undefined,
    steps: 0,
  }
  const reader = new FrameReader({
    pinged: (payload) => found.pings.push(Buffer.from(payload).toString('hex')),
    closed: (code) => {
      found.closed = code
    },
    failed: (code, message) => {
      found.failed = `${code} ${message}`
    },
  })
  for (const bytes of chunks) {
    const chunk = Buffer.from(bytes)
    for (let at = 0; at < chunk.length && !reader.isOver; found.steps += 1) {
      const start = at
      at = reader.step(chunk, start)
      found.data = Buffer.concat([found.data, chunk.subarray(start, reader.payloadEnd)])
    }
  }
  return found
}
const split = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size))
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('FrameReader', () => {
  it.each([
    ['the masked "Hello" of RFC 6455, in a binary frame', '82 85 37fa213d 7f9f4d5158', '48656c6c6f'],
    ['two frames', '82 81 00000000 61 82 81 00000000 62', '6162'],
    ['a message of three frames', '02 81 00000000 61 00 81 00000000 62 80 81 00000000 63', '616263'],
    ['an empty frame', '82 80 00000000', ''],
    ['a Ping frame within a message', '02 81 00000000 61 89 80 00000000 80 81 00000000 62', '6162'],
    ['a Pong frame that answers nothing', '8a 81 00000000 ff', ''],
    ['a length of 16 bits', `82 fe 007e 00000000 ${'61'.repeat(126)}`, '61'.repeat(126)],
    ['a length of 64 bits', `82 ff 0000000000000002 00000000 6161`, '6161'],
  ])('reads %s', (_, frames, payload) => {
    const bytes = hex(frames)
    for (const size of [bytes.length, 1, 3]) {
      expect(readAll(split(bytes, size))).toMatchObject({ data: hex(payload), failed: undefined })
    }
  })

  it.each([
    ['a text frame', '81 80 00000000', '1003 a text frame'],
    ['a frame without a mask', '82 01 61', '1002 a frame is not masked'],
    ['a compressed frame', 'c2 80 00000000', '1002 a frame has reserved bits'],
    ['opcode 3', '83 80 00000000', '1002 a frame has an unknown opcode'],
    ['opcode 11', '8b 80 00000000', '1002 a frame has an unknown opcode'],
    ['a fragmented Ping frame', '09 80 00000000', '1002 a control frame is fragmented'],
    ['a Ping frame of 126 bytes', '89 fe 007e', '1002 a control frame is fragmented or too long'],
    ['a continuation of nothing', '80 80 00000000', '1002 a continuation frame without'],
    ['a continuation after the last frame', '82 80 00000000 80 80 00000000', '1002 a continuation frame without'],
    ['a message within a message', '02 80 00000000 82 80 00000000', '1002 a message begins within'],
    ['a length beyond all numbers', '82 ff ffffffffffffffff 00000000', '1009 a frame is longer'],
    ['half a status code', '88 81 00000000 03', '1002 a Close frame with half'],
    ['a status code for programs alone', '88 82 00000000 03ed', '1002 a Close frame with an invalid'],
    ['a reason that is not UTF-8', '88 83 00000000 03e8 ff', '1007 a Close frame with invalid text'],
  ])('refuses %s', (_, frames, message) => {
    const bytes = hex(frames)
    for (const size of [bytes.length, 1]) expect(readAll(split(bytes, size)).failed).toMatch(message)
  })

  it.each([
    ['without a status code', '88 80 00000000', 1000],
    ['with one', '88 82 00000000 03e9', 1001],
    ['with one of an application', '88 84 00000000 0fa0 6869', 4000],
  ])('ends at a Close frame %s', (_, frame, code) => {
    const found = readAll([Buffer.concat([hex(frame), hex('82 81 00000000 61')])])
    expect(found).toMatchObject({ closed: code, data: Buffer.alloc(0), failed: undefined })
  })

  it('reads what a client of random messages, fragments and masks sends, in chunks of any size', () => {
    const message = fc.record({
      payload: fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 120, maxLength: 140 })),
      fragments: fc.integer({ min: 1, max: 4 }),
      mask: fc.integer({ min: 0, max: 0xffff_ffff }),
      ping: fc.option(fc.uint8Array({ maxLength: 125 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.integer({ min: 1, max: 300 }), (messages, size) => {
        const frames: Buffer[] = []
        for (const { payload, fragments, mask, ping } of messages) {
          const part = Math.ceil(payload.length / fragments) || 1
          const parts = payload.length === 0 ? [payload] : split(payload, part)
          for (const [index, each] of parts.entries()) {
            const opcode = index === 0 ? 2 : 0
            frames.push(clientFrame(each, { opcode, isLast: index === parts.length - 1, mask }))
            if (ping !== undefined) frames.push(clientFrame(ping, { opcode: 9, mask }))
          }
        }
        const found = readAll(split(Buffer.concat(frames), size))
        expect(found.data).toEqual(Buffer.concat(messages.map(({ payload }) => payload)))
        expect(found.failed).toBeUndefined()
        expect(new Set(found.pings)).toEqual(
          new Set(messages.flatMap(({ ping }) => (ping === undefined ? [] : [Buffer.from(ping).toString('hex')]))),
        )
      }),
    )
  })

  it.each([
    ['that carry enough', 16, 2, 1],
    ['with little payload', 15, 2, SMALL_FRAMES],
    ['without payload', 0, 2, SMALL_FRAMES],
    ['for control', 125, 9, CONTROL_FRAMES],
  ])('reads a limited number of frames %s in a step', (_, length, opcode, countsAs) => {
    const frame = clientFrame(Buffer.alloc(length), { opcode })
    expect(readAll([Buffer.concat(Array(10 * FRAMES_PER_STEP).fill(frame))]).steps).toBe(10 * countsAs)
  })

  it('fails at most once, for all bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const found = readAll([bytes])
        expect(found.data.length).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})
