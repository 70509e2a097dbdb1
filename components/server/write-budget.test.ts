import { expect, it } from 'vitest'
import { EndOfTurn } from './end-of-turn.ts'
import { WriteBudget } from './write-budget.ts'

it('the write budget accepts writes up to the bytes of a turn, and the write that exceeds them', () => {
  const budget = new WriteBudget(new EndOfTurn(), 100_000)
  expect([60_000, 60_000, 60_000].map((bytes) => budget.takes(bytes))).toEqual([true, true, false])
  expect(budget.postponed).toBe(1)
})

it('the write budget always accepts small writes', () => {
  const budget = new WriteBudget(new EndOfTurn(), 100_000)
  budget.takes(200_000)
  expect([budget.takes(2), budget.takes(16_384), budget.takes(16_385)]).toEqual([true, true, false])
})

it('the write budget is full again in each turn', () => {
  const endOfTurn = new EndOfTurn()
  const budget = new WriteBudget(endOfTurn, 100_000)
  budget.takes(200_000)
  endOfTurn.turn += 1
  expect(budget.takes(50_000)).toBe(true)
})

it('the write budget has a reserve for connections that would be held to be slow otherwise', () => {
  const endOfTurn = new EndOfTurn()
  const budget = new WriteBudget(endOfTurn, 100_000)
  budget.takes(399_999)
  expect(budget.hasReserve).toBe(true)
  budget.takes(1)
  expect(budget.hasReserve).toBe(false)
  endOfTurn.turn += 1
  expect(budget.hasReserve).toBe(true)
})
