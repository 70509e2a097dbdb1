import { expect, it } from 'vitest'
import { faultsOf, type Measured } from './judge.ts'

const MIB = 1024 ** 2
const figures = { pings: 100, p99: 1, worst: 2, ownDelay: 0 }
const holdings = { connections: 100, sessions: 100, handles: 110, memoryBytes: 50 * MIB }

const stood: Measured = {
  undisturbed: figures,
  attacked: { ...figures, worst: 60_000 },
  crowd: { acknowledged: 1_000, lost: 0, unanswered: 0, endings: [] },
  before: holdings,
  after: { ...holdings, memoryBytes: 60 * MIB, handles: 111 },
  peakBytes: 200 * MIB,
  boundBytes: 500 * MIB,
  outcome: { 'guesses refused': 7 },
}

it('finds no fault when all was delivered and released, however long it took', () => {
  expect(faultsOf(stood)).toEqual([])
  expect(faultsOf({ ...stood, peakBytes: undefined })).toEqual([])
})

it.each<[string, Partial<Measured>]>([
  ['2 acknowledged messages were lost', { crowd: { ...stood.crowd, lost: 2 } }],
  ['3 requests of well-behaved clients were not answered', { crowd: { ...stood.crowd, unanswered: 3 } }],
  [
    '2 well-behaved clients were disconnected (ECONNRESET)',
    { crowd: { ...stood.crowd, endings: ['ECONNRESET', 'x'] } },
  ],
  ['not released: 1 connections', { after: { ...holdings, connections: 101 } }],
  ['not released: 5 sessions', { after: { ...holdings, sessions: 105 } }],
  ['not released: 3 handles', { after: { ...holdings, handles: 113 } }],
  ['not released: 17 MiB', { after: { ...holdings, memoryBytes: 67 * MIB } }],
  ['memory was over its bound', { peakBytes: 501 * MIB }],
  ['1 clients with a wrong password were let in', { outcome: { 'passwords guessed': 1 } }],
])('%s', (fault, change) => {
  expect(faultsOf({ ...stood, ...change })).toEqual([fault])
})
