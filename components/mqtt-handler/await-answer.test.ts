import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FakeConnection } from '../../test/helpers/fake-connection.ts'
import { type AnswerPurpose, type AwaitingClient, awaitAnswer } from './await-answer.ts'
import { Reading } from './reading.ts'

const DEADLINE_MS = 1_000

/** What became of an answer. */
class Purpose implements AnswerPurpose<string> {
  readonly taken: string[] = []
  readonly failures: string[] = []
  whenTaken: (answer: string) => void = () => undefined

  take(answer: string): void {
    this.taken.push(answer)
    this.whenTaken(answer)
  }

  failed(error: unknown): void {
    this.failures.push((error as Error).message)
  }

  toRecord() {
    return { type: 'authentication' } as const
  }
}

let connection: FakeConnection
let client: AwaitingClient
let answers: { resolve(answer: string): void; reject(error: Error): void }[]
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  answers = []
  connection = new FakeConnection()
  const reading = new Reading(connection, { isCurrent: true, heard: () => undefined })
  const seat: { client: AwaitingClient } = { client: undefined as never }
  client = { reading, handler: { config: { connectDeadlineMs: DEADLINE_MS } }, seat, awaited: undefined }
  seat.client = client
})
afterEach(() => {
  vi.useRealTimers()
})

const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const wait = (purpose = new Purpose()): Purpose => {
  const promise = new Promise<string>((resolve, reject) => {
    answers.push({ resolve, reject })
  })
  awaitAnswer(client, promise, purpose)
  return purpose
}
/** Whether the client waits, is not read, and a timer runs. */
const state = () => [client.awaited !== undefined, connection.paused, vi.getTimerCount() > 0]
const WAITS = [true, true, true]
const GOES_ON = [false, false, false]

it('the client is not read until the answer is there', async () => {
  const purpose = wait()
  expect(state()).toEqual(WAITS)
  answers[0]!.resolve('yes')
  await settled()
  expect([purpose.taken, purpose.failures]).toEqual([['yes'], []])
  expect(state()).toEqual(GOES_ON)
})

it('a rejection is a failure, and so is an answer that cannot be taken', async () => {
  const rejected = wait()
  answers[0]!.reject(new Error('no'))
  await settled()
  expect([rejected.taken, rejected.failures, state()]).toEqual([[], ['no'], GOES_ON])
  const throwing = wait()
  throwing.whenTaken = () => {
    throw new Error('wrong')
  }
  answers[1]!.resolve('yes')
  await settled()
  expect([throwing.failures, state()]).toEqual([['wrong'], GOES_ON])
})

it('no answer in time is a failure, and the answer has no effect later', async () => {
  const purpose = wait()
  vi.advanceTimersByTime(DEADLINE_MS - 1)
  expect(purpose.failures).toEqual([])
  vi.advanceTimersByTime(1)
  expect(purpose.failures).toEqual(['no answer within connectDeadlineMs, 1000 ms'])
  answers[0]!.resolve('late')
  await settled()
  expect([purpose.taken, purpose.failures.length, state()]).toEqual([[], 1, GOES_ON])
})

it('an answer may lead to the wait for another one: the client is not read in between', async () => {
  const purpose = new Purpose()
  purpose.whenTaken = (answer) => {
    if (answer !== 'last') wait(purpose)
  }
  wait(purpose)
  const resume = vi.spyOn(connection, 'resume')
  for (const [index, answer] of ['first', 'second'].entries()) {
    answers[index]!.resolve(answer)
    await settled()
    expect(state()).toEqual(WAITS)
  }
  expect(vi.getTimerCount()).toBe(1)
  expect(resume).not.toHaveBeenCalled()
  answers[2]!.resolve('last')
  await settled()
  expect([purpose.taken, purpose.failures]).toEqual([['first', 'second', 'last'], []])
  expect(state()).toEqual(GOES_ON)
})

it('a late answer is not taken for the one that the client waits for now', async () => {
  const late = wait()
  vi.advanceTimersByTime(DEADLINE_MS)
  const purpose = wait()
  answers[0]!.resolve('late')
  await settled()
  expect([late.taken, purpose.taken, state()]).toEqual([[], [], WAITS])
  answers[1]!.resolve('yes')
  await settled()
  expect([late.taken, purpose.taken, state()]).toEqual([[], ['yes'], GOES_ON])
})

it('an answer that was dropped has no effect', async () => {
  const [resolved, rejected] = [new Purpose(), new Purpose()]
  for (const purpose of [resolved, rejected]) {
    wait(purpose)
    client.awaited!.drop()
    expect([client.awaited, vi.getTimerCount()]).toEqual([undefined, 0])
  }
  answers[0]!.resolve('yes')
  answers[1]!.reject(new Error('no'))
  await settled()
  for (const { taken, failures } of [resolved, rejected]) expect([taken, failures]).toEqual([[], []])
})
