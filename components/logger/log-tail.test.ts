import { expect, it } from 'vitest'
import { RecentLines } from './log-tail.ts'

const numbers = (tail: RecentLines, ...range: number[]) =>
  tail.lines(...range).map(({ number, json }) => `${number}:${json}`)

it('keeps the last lines', () => {
  const tail = new RecentLines(3, 100)
  for (const line of ['a', 'b', 'c', 'd', 'e']) tail.add(line)
  expect(numbers(tail)).toEqual(['3:c', '4:d', '5:e'])
  expect(numbers(tail, 3)).toEqual(['4:d', '5:e'])
  expect(numbers(tail, 0, 2)).toEqual(['3:c', '4:d'])
  expect([tail.last, numbers(tail, 5)]).toEqual([5, []])
})

it('keeps no more characters than it may', () => {
  const tail = new RecentLines(100, 10)
  for (const line of ['aaaa', 'bbbb', 'cccc']) tail.add(line)
  expect(numbers(tail)).toEqual(['2:bbbb', '3:cccc'])
  tail.add('x'.repeat(11))
  expect(numbers(tail)).toEqual([])
  tail.add('d')
  expect(numbers(tail)).toEqual(['5:d'])
})

it('tells readers of each line until they end it', () => {
  const tail = new RecentLines(3, 100)
  const read: string[] = []
  const end = tail.onLine(({ number, json }) => read.push(`${number}:${json}`))
  tail.add('a')
  end()
  tail.add('b')
  expect(read).toEqual(['1:a'])
})
