import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SequenceChecker } from './sequence-checker.ts'

/** Feeds one stream, of which `sent` messages were sent. */
const check = (sequence: readonly number[], sent: number) => {
  const checker = new SequenceChecker(1)
  const accounted = sequence.reduce((sum, number) => sum + checker.accept(0, number), 0)
  const { missing, duplicated, reordered } = checker
  return { lost: missing + checker.outstanding(0, sent), duplicated, reordered, accounted }
}

test.each([
  ['all in order', [0, 1, 2, 3], { lost: 0, duplicated: 0, reordered: 0, accounted: 4 }],
  ['one lost in the middle', [0, 2, 3], { lost: 1, duplicated: 0, reordered: 0, accounted: 4 }],
  ['the first lost', [1, 2, 3], { lost: 1, duplicated: 0, reordered: 0, accounted: 4 }],
  ['the last lost', [0, 1, 2], { lost: 1, duplicated: 0, reordered: 0, accounted: 3 }],
  ['everything lost', [], { lost: 4, duplicated: 0, reordered: 0, accounted: 0 }],
  ['one twice in a row', [0, 1, 1, 2, 3], { lost: 0, duplicated: 1, reordered: 0, accounted: 4 }],
  ['one again later', [0, 1, 2, 3, 0], { lost: 0, duplicated: 1, reordered: 0, accounted: 4 }],
  ['two exchanged', [0, 2, 1, 3], { lost: 0, duplicated: 0, reordered: 1, accounted: 4 }],
  ['late, and then again', [0, 2, 1, 1, 3], { lost: 0, duplicated: 1, reordered: 1, accounted: 4 }],
])('%s', (_, sequence, expected) => {
  expect(check(sequence, 4)).toEqual(expected)
})

test('streams do not mix', () => {
  const checker = new SequenceChecker(2)
  for (const [stream, sequence] of [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ] as const)
    checker.accept(stream, sequence)
  expect(checker).toMatchObject({ missing: 0, duplicated: 0, reordered: 0 })
  expect([checker.outstanding(0, 5), checker.outstanding(1, 2)]).toEqual([3, 0])
})

test('in any sequence, each message is delivered or lost, and a repeated delivery is a duplicate', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 60 }), (sequence) => {
      const { lost, duplicated, reordered } = check(sequence, 31)
      const distinct = new Set(sequence)
      const late = [...distinct].filter((each) =>
        sequence.slice(0, sequence.indexOf(each)).some((other) => other > each),
      )
      expect(lost).toBe(31 - distinct.size)
      expect(duplicated).toBe(sequence.length - distinct.size)
      expect(reordered).toBe(late.length)
    }),
  )
})
