import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { MINIMUM_SHARE, TurnBudget } from './turn-budget.ts'

const UNITS = 10_000

/** @param unitMs what a unit costs on the clock. */
const make = (unitMs = 0.0001, firstUnits = UNITS) => {
  const clock = { nowMs: 0, unitMs }
  const log = new RecordingLogger()
  const endOfTurn = new EndOfTurn()
  const budget = new TurnBudget(UNITS, endOfTurn, log, firstUnits, () => clock.nowMs)
  /** What was done: in which turn, by whom, with which share. */
  const done: { turn: number; name: string; share: number }[] = []
  /** Has so much work to do, and uses all of each share. */
  const waiter = (name: string, work: number) => {
    let left = work
    const self = {
      takeTurn: (share: number) => {
        done.push({ turn: budget.turn, name, share })
        budget.spend(Math.min(left, share))
        clock.nowMs += Math.min(left, share) * clock.unitMs
        left -= share
        if (left > 0) budget.wait(self)
      },
    }
    budget.wait(self)
    return self
  }
  return { clock, log, endOfTurn, budget, done, waiter }
}

it('the turn budget reports whether units of this turn are left for all connections, and is full again in the next turn', async () => {
  const { budget, endOfTurn } = make()
  expect([budget.spend(6_000), budget.spend(3_999), budget.spend(1), budget.spend(1)]).toEqual([
    true,
    true,
    false,
    false,
  ])
  endOfTurn.add({ endTurn: () => undefined })
  await turn()
  expect(budget.spend(9_999)).toBe(true)
})

it('the turn budget divides a turn among the waiters, in their order, and serves each once', async () => {
  const { done, waiter } = make()
  for (const name of ['a', 'b', 'c', 'd']) waiter(name, 5_000)
  await turn()
  expect(done.map(({ name, share }) => [name, share])).toEqual(['a', 'b', 'c', 'd'].map((name) => [name, 2_500]))
  await turn()
  expect(done.map(({ name }) => name).join('')).toBe('abcdabcd')
  expect(new Set(done.map(({ turn }) => turn)).size).toBe(2)
})

it('the turn budget does not grow with the number of waiters: the rest is served in later turns, first come, first served', async () => {
  const { budget, done, waiter, log } = make()
  const count = 200
  for (let n = 0; n < count; n++) waiter(`${n}`, 10 * MINIMUM_SHARE)
  const perTurn = UNITS / MINIMUM_SHARE
  for (let turns = 1; turns <= 10; turns++) {
    await turn()
    expect(done).toHaveLength(turns * perTurn)
  }
  expect(done.map(({ name }) => Number(name))).toEqual(Array.from({ length: 10 * perTurn }, (_, n) => n % count))
  expect(done.every(({ share }) => share === MINIMUM_SHARE)).toBe(true)
  expect([budget.crowdedTurns, budget.waiting]).toEqual([10, count])
  expect(log.at('info')).toMatchObject([{ waiting: count, turnWorkUnits: UNITS }])
})

it('the turn budget serves waiters after the writes of the turn, so that answers do not wait for them', async () => {
  const { endOfTurn, waiter, done } = make()
  waiter('reader', 1)
  endOfTurn.add({ endTurn: () => void done.push({ turn: 0, name: 'writer', share: 0 }) })
  await turn()
  expect(done.map(({ name }) => name)).toEqual(['writer', 'reader'])
})

/** The units that were spent in each turn. */
const spentInTurns = async (made: ReturnType<typeof make>, turns: number): Promise<number[]> => {
  const spent: number[] = []
  for (let n = 0; n < turns; n++) {
    const before = made.done.length
    await turn()
    spent.push(made.done.slice(before).reduce((sum, { share }) => sum + share, 0))
  }
  return spent
}

it('the turn budget begins with few units and doubles them while there is time', async () => {
  const made = make(0.0001, 1_250)
  made.waiter('a', 1_000_000)
  expect(await spentInTurns(made, 6)).toEqual([1_250, 2_500, 5_000, 10_000, 10_000, 10_000])
})

it('the turn budget does less in a turn where units cost more time than is meant, but not ever less', async () => {
  const made = make(0.0008)
  made.waiter('a', 1_000_000)
  expect(await spentInTurns(made, 3)).toEqual([10_000, 2_500, 2_500])
  made.clock.unitMs = 1
  expect(await spentInTurns(made, 3)).toEqual([2_500, 625, 625])
  made.clock.unitMs = 0.0001
  expect(await spentInTurns(made, 6)).toEqual([625, 1_250, 2_500, 5_000, 10_000, 10_000])
})

it('the turn budget is back at all units soon after a turn that took long', async () => {
  const made = make()
  made.waiter('a', 1_000_000)
  made.clock.unitMs = 0.0016
  expect(await spentInTurns(made, 2)).toEqual([10_000, 1_250])
  made.clock.unitMs = 0.0001
  expect(await spentInTurns(made, 5)).toEqual([1_250, 2_500, 5_000, 10_000, 10_000])
})
