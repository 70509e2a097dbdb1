import { setImmediate as turn } from 'node:timers/promises'
import { beforeEach, expect, it } from 'vitest'
import { FakeSocket } from '../../test/helpers/fake-socket.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { Admission } from './admission.ts'
import type { CoreListener } from './core-listener.ts'
import { EndOfTurn } from './end-of-turn.ts'
import type { Newcomer } from './newcomer.ts'
import { TurnBudget } from './turn-budget.ts'

const MAXIMUM = 2
const BACKLOG = 2

let admission: Admission
/** Names of newcomers that were let in, and of those that were refused, with the reason. */
let opened: string[]
let refused: string[]
let left: number
let acts: boolean
beforeEach(() => {
  ;[opened, refused, left, acts] = [[], [], 0, true]
  const endOfTurn = new EndOfTurn()
  admission = new Admission(
    {
      ...{ acts: () => acts, most: () => MAXIMUM + BACKLOG, taken: () => opened.length - left },
      obstacle: () => (opened.length - left >= MAXIMUM ? 'maximumConnections' : undefined),
      open: ({ addressKey }) => opened.push(addressKey),
      refused: ({ addressKey }, reason) => refused.push(`${addressKey}: ${reason}`),
    },
    new TurnBudget(50_000, endOfTurn, new RecordingLogger()),
  )
})

const listener = {} as CoreListener
const newcomer = (name: string): Newcomer => ({
  ...{ stream: new FakeSocket(), peer: peerAt('192.0.2.7:5000'), listener, addressKey: name },
})

it('connections beyond all places and the backlog are closed at once; the backlog gets the places that become free', async () => {
  const all = ['a', 'b', 'c', 'd', 'e', 'f'].map(newcomer)
  for (const each of all) admission.accept(each)
  expect(refused).toEqual(['e: maximumConnections', 'f: maximumConnections'])
  expect(all.map(({ stream }) => stream.destroyed)).toEqual([false, false, false, false, true, true])
  await turn()
  expect(opened).toEqual(['a', 'b'])
  left = 2
  for (let turns = 0; turns < 3; turns += 1) await turn()
  expect(opened).toEqual(['a', 'b', 'c', 'd'])
  expect(refused).toHaveLength(2)
})

it('a connection that gets no place for some turns is closed', async () => {
  for (const name of ['a', 'b', 'c']) admission.accept(newcomer(name))
  for (let turns = 0; turns < 40; turns += 1) await turn()
  expect([opened, refused]).toEqual([['a', 'b'], ['c: maximumConnections']])
})

it('connections that wait go on waiting at another object, as many turns as they have left', async () => {
  for (const name of ['a', 'b', 'c', 'd']) admission.accept(newcomer(name))
  for (let turns = 0; turns < 12; turns += 1) await turn()
  const records = admission.handOver()
  expect(records.map(({ addressKey }) => addressKey)).toEqual(['c', 'd'])
  acts = false
  const lateRefused: string[] = []
  const places = {
    acts: () => true,
    most: () => MAXIMUM,
    taken: () => MAXIMUM,
    obstacle: () => 'maximumConnections' as const,
    open: () => expect.unreachable(),
    refused: ({ addressKey }: Newcomer) => lateRefused.push(addressKey),
  }
  const successor = new Admission(places, new TurnBudget(50_000, new EndOfTurn(), new RecordingLogger()))
  for (const { turns, ...each } of records) successor.continueFor({ ...each, listener }, turns)
  left = 2
  for (let turns = 0; turns < 12; turns += 1) await turn()
  expect([opened, refused, lateRefused]).toEqual([['a', 'b'], [], ['c', 'd']])
})

it('connections that still wait are taken back in their order, and not let in', async () => {
  for (const name of ['a', 'b', 'c', 'd']) admission.accept(newcomer(name))
  await turn()
  admission.accept(newcomer('late'))
  const back = admission.takeAll(listener).map(({ addressKey }) => addressKey)
  left = 2
  for (let turns = 0; turns < 40; turns += 1) await turn()
  expect([opened, back, refused]).toEqual([['a', 'b'], ['c', 'd'], ['late: maximumConnections']])
})
