import { expect, it } from 'vitest'
import type { StorePressure } from '../../src/kinds/store.ts'
import { Answers } from './answers.ts'

const start = () => {
  const journal = { position: 0, lastBatch: 0, durableBatch: 0, pressure: 'none' as StorePressure }
  const sent: number[] = []
  let waits = 0
  const answers = new Answers(
    journal,
    ([byte]) => sent.push(byte!),
    () => {
      waits += 1
    },
  )
  return { journal, sent, answers, waits: () => waits }
}
const add = (answers: Answers, ...bytes: number[]) => {
  for (const byte of bytes) answers.add(Uint8Array.of(byte))
}

it('sends an answer at once if everything is durable', () => {
  const { answers, sent, waits } = start()
  add(answers, 1)
  expect([sent, waits()]).toEqual([[1], 0])
})

it('holds answers back until their batch is durable, in their order', () => {
  const { answers, sent, journal, waits } = start()
  journal.lastBatch = 1
  add(answers, 1)
  journal.lastBatch = 2
  add(answers, 2)
  expect([sent, waits(), answers.waiting]).toEqual([[], 2, 2])
  journal.durableBatch = 1
  // What is durable already waits for those before it.
  add(answers, 3)
  answers.release()
  expect(sent).toEqual([1])
  journal.durableBatch = 2
  answers.release()
  expect([sent, answers.waiting]).toEqual([[1, 2, 3], 0])
})

it('is full when too many wait, or when any waits while the store does not keep pace', () => {
  const { answers, journal } = start()
  journal.lastBatch = 1
  add(answers, 1)
  expect(answers.isFull).toBe(false)
  journal.pressure = 'slow'
  expect(answers.isFull).toBe(true)
  journal.pressure = 'none'
  add(answers, ...Array.from({ length: 999 }, () => 2))
  expect(answers.isFull).toBe(true)
  answers.clear()
  expect(answers.isFull).toBe(false)
})
