import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { MINIMUM_SHARE, TurnBudget } from './turn-budget.ts'

const UNITS = 10_000

const make = () => {
  const log = new RecordingLogger()
  const endOfTurn = new EndOfTurn()
  const budget = new TurnBudget(UNITS, endOfTurn, log)
  /** What was done: in which turn, by whom, with which share. */
  const done: { turn: number; name: string; share: number }[] = []
  /** Has so much work to do, and uses all of each share. */
  const waiter = (name: string, work: number) => {
    let left = work
    const self = {
      takeTurn: (share: number) => {
        done.push({ turn: budget.turn, name, share })
        budget.spend(Math.min(left, share))
        left -= share
        if (left > 0) budget.wait(self)
      },
    }
    budget.wait(self)
    return self
  }
  return { log, endOfTurn, budget, done, waiter }
}

it('says whether units of this turn are left, for all together, and has all of them again in the next turn', async () => {
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

it('divides a turn among those that wait, in their order, and serves each of them once in it', async () => {
  const { done, waiter } = make()
  for (const name of ['a', 'b', 'c', 'd']) waiter(name, 5_000)
  await turn()
  expect(done.map(({ name, share }) => [name, share])).toEqual(['a', 'b', 'c', 'd'].map((name) => [name, 2_500]))
  await turn()
  expect(done.map(({ name }) => name).join('')).toBe('abcdabcd')
  expect(new Set(done.map(({ turn }) => turn)).size).toBe(2)
})

it('does no more in a turn when more wait: the others are served in later turns, first come, first served', async () => {
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

it('serves those that wait after what was written, so that answers do not wait for them', async () => {
  const { endOfTurn, waiter, done } = make()
  waiter('reader', 1)
  endOfTurn.add({ endTurn: () => void done.push({ turn: 0, name: 'writer', share: 0 }) })
  await turn()
  expect(done.map(({ name }) => name)).toEqual(['writer', 'reader'])
})
