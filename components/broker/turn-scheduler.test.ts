import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { BROKER_UNITS, TurnScheduler } from './turn-scheduler.ts'

const log = new RecordingLogger()
let turns: TurnScheduler
let order: string[]
beforeEach(() => {
  turns = new TurnScheduler(log)
  order = []
})
afterEach(() => turns.stop())

/** Does so many pieces of work, each larger than what is left of a turn after it. */
const task = (name: string, pieces: number) => {
  let left = pieces
  const self = {
    resume() {
      while (left > 0 && turns.mayGoOn(self)) {
        left -= 1
        order.push(name)
        turns.spend(60_000)
      }
    },
  }
  return self
}

it('the turn scheduler gives each task its turn, one after the other, with time for others between', async () => {
  const [first, second] = [task('a', 3), task('b', 3)]
  first.resume()
  second.resume()
  expect(order).toEqual(['a'])
  for (let turn = 0; turn < 20 && order.length < 6; turn++) await nextTurn()
  expect(order).toEqual(['a', 'a', 'b', 'a', 'b', 'b'])
})

it('continues with the other tasks when one fails', async () => {
  const failing = {
    resume() {
      throw new Error('a fault')
    },
  }
  task('a', 1).resume()
  turns.mayGoOn(failing)
  task('b', 1).resume()
  for (let turn = 0; turn < 10 && order.length < 2; turn++) await nextTurn()
  expect(order).toEqual(['a', 'b'])
  expect(log.at('error')).toHaveLength(1)
})

it('the turn scheduler divides the units of a turn among all tasks that wait', async () => {
  const steps = (name: string) => {
    const self = {
      resume() {
        while (turns.mayGoOn(self)) {
          order.push(name)
          turns.spend(1_000)
        }
      },
    }
    return self
  }
  for (const name of ['a', 'b', 'c', 'd', 'e']) steps(name).resume()
  await nextTurn()
  const inOneTurn = order.slice(50)
  expect(inOneTurn.join('')).toBe('aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee')
})

it('leaves out a task that was deleted', async () => {
  const [first, second] = [task('a', 1), task('b', 1)]
  turns.spend(60_000)
  turns.mayGoOn(first)
  turns.mayGoOn(second)
  turns.delete(first)
  await nextTurn()
  expect(order).toEqual(['b'])
})

it('the turn scheduler lets work of the broker go first, with a share of its own, however many tasks wait', async () => {
  const steps = (name: string, minimumUnits?: number) => {
    const self = {
      ...(minimumUnits === undefined ? {} : { minimumUnits }),
      resume() {
        while (turns.mayGoOn(self)) {
          order.push(name)
          turns.spend(500)
        }
      },
    }
    return self
  }
  turns.spend(60_000)
  for (let n = 0; n < 1_000; n++) steps('client').resume()
  steps('broker', BROKER_UNITS).resume()
  expect(order).toEqual([])
  await nextTurn()
  expect(order.slice(0, 21)).toEqual([...Array(20).fill('broker'), 'client'])
  expect(order).toHaveLength(100)
})

it('counts the units, the turns and the most in one of them', async () => {
  task('a', 3).resume()
  await nextTurn()
  await nextTurn()
  expect([turns.spent, turns.turns, turns.mostInTurn]).toEqual([180_000, 3, 60_000])
})

it('the turn scheduler lets the tasks of clients go first after a turn in which the work of the broker left them nothing', async () => {
  const endless = {
    minimumUnits: BROKER_UNITS,
    resume() {
      while (turns.mayGoOn(endless)) {
        order.push('broker')
        turns.spend(60_000)
      }
    },
  }
  endless.resume()
  task('client', 2).resume()
  for (let turn = 0; turn < 20 && order.filter((name) => name === 'client').length < 2; turn++) await nextTurn()
  expect(order).toEqual(['broker', 'broker', 'client', 'broker', 'client'])
})
