import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { TurnQueue } from './turn-queue.ts'
import { TurnScheduler, UNITS_PER_TURN } from './turn-scheduler.ts'

let log: RecordingLogger
let scheduler: TurnScheduler
let done: string[]
let queue: TurnQueue<string>
beforeEach(() => {
  log = new RecordingLogger()
  scheduler = new TurnScheduler(log)
  done = []
  queue = new TurnQueue('test', scheduler, log, (item) => {
    scheduler.spend(UNITS_PER_TURN / 2)
    done.push(item)
    if (item === 'fault') throw new Error('a fault')
    return item === 'long' && done.filter((name) => name === 'long').length < 3
  })
})
afterEach(() => scheduler.stop())

it('a turn queue does a single item at once', () => {
  queue.add('a')
  expect([done, queue.size]).toEqual([['a'], 0])
})

it('a turn queue does many items over turns, in their order, each once', async () => {
  for (const item of ['a', 'b', 'c', 'c', 'd', 'e', 'f']) queue.add(item)
  expect(done).toEqual(['a', 'b'])
  expect(queue.has('c')).toBe(true)
  expect(queue.delete('d')).toBe(true)
  await nextTurn()
  expect(done).toEqual(['a', 'b', 'c', 'e'])
  await nextTurn()
  expect([done.at(-1), queue.size]).toEqual(['f', 0])
})

it('a turn queue does the steps of a long item over turns', async () => {
  for (const item of ['a', 'long', 'b']) queue.add(item)
  await nextTurn()
  await nextTurn()
  expect(done).toEqual(['a', 'long', 'long', 'long', 'b'])
  expect(scheduler.mostInTurn).toBe(UNITS_PER_TURN)
})

it('logs an item that fails, and continues with the others', async () => {
  for (const item of ['a', 'fault', 'b']) queue.add(item)
  await nextTurn()
  expect([done, queue.size]).toEqual([['a', 'fault', 'b'], 0])
  expect(log.at('error')).toMatchObject([{ task: 'test', message: 'A task failed' }])
})

it('a turn queue does everything at once when it is drained', () => {
  for (const item of ['a', 'b', 'long', 'fault', 'c']) queue.add(item)
  queue.drain()
  expect(done).toEqual(['a', 'b', 'long', 'long', 'long', 'fault', 'c'])
  expect(queue.size).toBe(0)
})
