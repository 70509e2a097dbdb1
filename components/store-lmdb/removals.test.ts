import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { driving } from '../../test/contract/store-under-test.ts'
import { GatedLmdbStore } from '../../test/helpers/gated-lmdb-store.ts'
import { queuedMessage, subscriptionTo } from '../../test/helpers/store-records.ts'
import { MAXIMUM_REMOVED_ROWS } from './batch.ts'
import { tables } from './layout.ts'
import { Operations } from './operations.ts'

let store: GatedLmdbStore
beforeEach(async () => {
  store = await GatedLmdbStore.open()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await store.dispose()
})
const { append, begin, sequences } = driving(() => store)
const rows = (table: number) =>
  store.environment.rows(Buffer.from([table]), Buffer.from([table + 1]), 1_000_000, 1e9).length

const MESSAGES = 30
const RECEIVERS = 250
const ids = Array.from({ length: RECEIVERS }, (_, index) => `s${index}`)
const others = ids.slice(1)

/** Messages in the file that s0 alone is still owed: each with the states of all other receivers. */
const oweTheFirst = () => {
  begin(...ids)
  for (let sequence = 1; sequence <= MESSAGES; sequence += 1) {
    const message = Message.of({ topic: 't', payload: 'p', qos: 1 })
    const queued = queuedMessage({ message, sequence })
    for (const session of ids) append({ type: 'queued', session, queued })
  }
  store.settleAll()
  for (let sequence = 1; sequence <= MESSAGES; sequence += 1) {
    for (const session of others) append({ type: 'done', session, sequence })
  }
  store.settleAll()
  expect(rows(tables.messages)).toBeGreaterThan(MESSAGES * RECEIVERS)
}

/** How many operations each commit has, which are handed to LMDB in one go. */
const commits = (): number[] => {
  const counts: number[] = []
  const apply = Operations.prototype.apply
  vi.spyOn(Operations.prototype, 'apply').mockImplementation(function (this: Operations, target, count) {
    counts.push(count)
    apply.call(this, target, count)
  })
  return counts
}

/** Those of one message more than the bound, for what is done and for what is left over, and a few records beside them. */
const MOST = 2 * (MAXIMUM_REMOVED_ROWS + RECEIVERS) + 2 * MESSAGES

/** Ends turns and lets commits pass until nothing is left to remove. */
const removeAll = () => {
  for (let turn = 0; turn < 1_000 && rows(tables.messages) > 0; turn += 1) {
    store.endTurn()
    store.settle()
  }
}

it.each([
  ['its session ends', () => append({ type: 'session-ended', session: 's0' })],
  [
    'it is acknowledged',
    () => {
      for (let sequence = 1; sequence <= MESSAGES; sequence += 1) append({ type: 'done', session: 's0', sequence })
    },
  ],
])('bounds the removals of one commit when messages of many receivers are owed to one more and %s', (_how, end) => {
  oweTheFirst()
  const counts = commits()
  end()
  expect(sequences('s0')).toEqual([])
  removeAll()
  expect(rows(tables.messages)).toBe(0)
  expect(store.messageCount).toBe(0)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(MESSAGES * RECEIVERS)
  expect(Math.max(...counts)).toBeLessThan(MOST)
})

it('owes no session a message that a later batch removes, also after a crash between the two', async () => {
  oweTheFirst()
  const counts = commits()
  for (let sequence = 1; sequence < MESSAGES; sequence += 1) append({ type: 'done', session: 's0', sequence })
  // The batch that says that they are done, and not those behind it.
  for (let turn = 0; turn < 100 && counts.length === 0; turn += 1) {
    store.endTurn()
    store.passCommit()
  }
  store = await store.crash()
  expect(rows(tables.messages)).toBeGreaterThan(4 * RECEIVERS)
  expect(ids.flatMap((id) => sequences(id))).toEqual([MESSAGES])
  for (let turn = 0; turn < 100; turn += 1) {
    store.endTurn()
    store.settle()
  }
  expect(store.messageCount).toBe(1)
  expect(rows(tables.messages)).toBeLessThan(2 * RECEIVERS)
})

it('does not gather removals without end while a commit runs', () => {
  begin('a', 'b')
  for (let sequence = 1; sequence <= 3 * MAXIMUM_REMOVED_ROWS; sequence += 1) {
    append({ type: 'queued', session: 'a', queued: queuedMessage({ sequence }) })
  }
  store.settleAll()
  const counts = commits()
  append({ type: 'received', session: 'b', packetIdentifier: 1 })
  store.endTurn()
  append({ type: 'session-ended', session: 'a' })
  for (let turn = 0; turn < 100; turn += 1) store.endTurn()
  removeAll()
  expect(rows(tables.messages)).toBe(0)
  expect(Math.max(...counts)).toBeLessThan(MOST)
})

it('bounds the subscriptions of ended sessions that one commit removes', () => {
  const sessions = ids.slice(0, 20)
  begin(...sessions)
  for (const session of sessions) {
    for (let index = 0; index < 300; index += 1) {
      append({ type: 'subscribed', session, subscription: subscriptionTo(`t/${index}`) })
    }
  }
  store.settleAll()
  expect(rows(tables.subscriptions)).toBe(6_000)
  const counts = commits()
  for (const session of sessions) append({ type: 'session-ended', session })
  store.settleAll()
  for (let turn = 0; turn < 10; turn += 1) {
    store.endTurn()
    store.settle()
  }
  expect(rows(tables.subscriptions)).toBe(0)
  expect(Math.max(...counts)).toBeLessThan(MOST)
})
