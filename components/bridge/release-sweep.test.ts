import { expect, it } from 'vitest'
import { ReleaseSweep } from './release-sweep.ts'

it('releases every Packet Identifier once, 500 at a time', () => {
  const writes: Buffer[] = []
  let done = 0
  const sweep = new ReleaseSweep(
    (bytes) => writes.push(Buffer.from(bytes)),
    true,
    () => {
      done += 1
    },
  )
  sweep.begin()
  for (let answered = 0; answered < 0xffff; answered += 1) {
    if (writes.length * 500 - answered > 500) throw new Error('more than 500 without an answer')
    sweep.pubcomp()
  }
  expect(done).toBe(1)
  const bytes = Buffer.concat(writes)
  const identifiers = Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt16BE(index * 4 + 2))
  expect(new Set(identifiers).size).toBe(0xffff)
  expect([identifiers[0], identifiers.at(-1)]).toEqual([1, 0xffff])
  expect(bytes.subarray(0, 4)).toEqual(Buffer.from([0x62, 2, 0, 1]))
})
