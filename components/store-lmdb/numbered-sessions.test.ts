import { expect, it } from 'vitest'
import { NumberedSessions } from './numbered-sessions.ts'
import { QueueIndex } from './queue-index.ts'

const sessions = (...numbers: number[]) => {
  const found = new NumberedSessions()
  for (const number of numbers) found.add({ id: `s${number}`, number, queue: new QueueIndex(), since: 0 })
  return found
}

it('refuses a number that is not higher than all others', () => {
  expect(() => sessions(5, 5)).toThrow('the number 5 is there twice')
})

it.each([
  ['none is missing', [4, 5, 6, 7]],
  ['some are missing', [4, 5, 9, 10, 11, 400, 4_294_967_295]],
  ['there is one', [3]],
  ['there is none', []],
])('finds each number and no other: %s', (_, numbers) => {
  const found = sessions(...numbers)
  for (const number of [...numbers, 0, 1, 2, 8, 12, 399, 401, 4_294_967_294]) {
    expect(found.find(number)).toBe(numbers.indexOf(number))
    expect(found.get(number)?.number).toBe(numbers.includes(number) ? number : undefined)
  }
})
