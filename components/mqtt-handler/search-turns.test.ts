import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { SearchTurns } from './search-turns.ts'

const log = new RecordingLogger()
let turns: SearchTurns
let order: string[]
beforeEach(() => {
  turns = new SearchTurns(log)
  order = []
})
afterEach(() => turns.stop())

/** Does so many pieces of work, each larger than what is left of a turn after it. */
const searcher = (name: string, pieces: number) => {
  let left = pieces
  const self = {
    pump() {
      while (left > 0 && turns.mayGoOn(self)) {
        left -= 1
        order.push(name)
        turns.spend(30_000)
      }
    },
  }
  return self
}

it('lets everybody have a turn, one after the other, with time for others between', async () => {
  const [first, second] = [searcher('a', 3), searcher('b', 3)]
  first.pump()
  second.pump()
  expect(order).toEqual(['a'])
  for (let turn = 0; turn < 20 && order.length < 6; turn++) await nextTurn()
  expect(order).toEqual(['a', 'a', 'b', 'a', 'b', 'b'])
})

it('goes on with the others when one fails', async () => {
  const failing = {
    pump() {
      throw new Error('a fault')
    },
  }
  searcher('a', 1).pump()
  turns.mayGoOn(failing)
  searcher('b', 1).pump()
  for (let turn = 0; turn < 10 && order.length < 2; turn++) await nextTurn()
  expect(order).toEqual(['a', 'b'])
  expect(log.at('error')).toHaveLength(1)
})
