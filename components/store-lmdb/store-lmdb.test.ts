import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RetainedSource } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { storeContract } from '../../test/contract/store.ts'
import { driving } from '../../test/contract/store-under-test.ts'
import { GatedLmdbStore } from '../../test/helpers/gated-lmdb-store.ts'
import { lmdbUnderTest } from '../../test/helpers/lmdb-under-test.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { queuedMessage, retainedSource, subscriptionTo } from '../../test/helpers/store-records.ts'
import { UNITS_IN_A_TURN } from './batch-line.ts'
import { ByteWriter } from './byte-writer.ts'
import { MAXIMUM_RECEIVERS, messageKey, tables } from './layout.ts'

storeContract('store-lmdb', lmdbUnderTest({}, 60))

/** Entries of a table in the file. */
const rowsIn = (store: GatedLmdbStore, table: number) =>
  store.environment.rows(Buffer.from([table]), Buffer.from([table + 1]), 1_000_000, 1e9)

describe('what is written', () => {
  let store: GatedLmdbStore
  beforeEach(async () => {
    store = await GatedLmdbStore.open()
  })
  afterEach(() => store.dispose())
  const { append, begin, queue, sequences } = driving(() => store)
  const reopen = async () => {
    store = await store.crash()
  }
  const rows = (table: number) => rowsIn(store, table)

  it('has a payload once that a thousand sessions are owed, and removes it with the last of them', async () => {
    const message = Message.of({ topic: 't', payload: Buffer.alloc(10_000, 1), qos: 1 })
    const ids = Array.from({ length: 1_000 }, (_, index) => `s${index}`)
    begin(...ids)
    for (const id of ids) append({ type: 'queued', session: id, queued: queuedMessage({ message }) })
    store.settleAll()
    const bytes = () => rows(tables.messages).reduce((sum, { value }) => sum + value.length, 0)
    expect(bytes()).toBeLessThan(50_000)
    await reopen()
    for (const id of ids.slice(0, 999)) append({ type: 'done', session: id, sequence: 1 })
    store.settleAll()
    await reopen()
    expect(sequences('s999')).toEqual([1])
    expect(sequences('s998')).toEqual([])
    append({ type: 'done', session: 's999', sequence: 1 })
    store.settleAll()
    expect(rows(tables.messages)).toEqual([])
  })

  it('writes one batch of many sessions in one commit, and encodes a part of it in each turn', async () => {
    const message = Message.of({ topic: 't', payload: 'p', qos: 1 })
    const ids = Array.from({ length: 40_000 }, (_, index) => `s${index}`)
    begin(...ids)
    store.settleAll()
    for (const id of ids) append({ type: 'queued', session: id, queued: queuedMessage({ message }) })
    append({ type: 'received', session: 's0', packetIdentifier: 5 })
    // Each receiver has two numbers of 16 bits, and each key at most two more.
    const written = vi.spyOn(ByteWriter.prototype, 'u16')
    const inTurns: number[] = []
    for (let before = 0; rows(tables.messages).length === 0; before = written.mock.calls.length) {
      store.endTurn()
      inTurns.push(written.mock.calls.length - before)
      // The client of one of them is faster than the encoding.
      if (inTurns.length === 1) append({ type: 'done', session: 's39999', sequence: 1 })
      if (inTurns.length === 2) append({ type: 'done', session: 's1', sequence: 1 })
      store.passCommit()
    }
    written.mockRestore()
    expect(inTurns.length).toBeGreaterThan(2)
    const most = Math.max(...inTurns)
    expect(most).toBeLessThan(2.2 * (UNITS_IN_A_TURN / 2 + MAXIMUM_RECEIVERS))
    expect(rows(tables.received)).toHaveLength(1)
    store.settleAll()
    await reopen()
    expect(ids.filter((id) => sequences(id).length === 0)).toEqual(['s1', 's39999'])
  })

  it('has the publisher of many retained messages once, and removes it with the last of them', async () => {
    const source = retainedSource()
    const retain = (topic: string, by?: RetainedSource) =>
      append({
        type: 'retained',
        message: Message.of({ topic, payload: 'x', retain: true }),
        ...(by && { source: by }),
      })
    for (const topic of ['a', 'b', 'c', 'd']) retain(topic, source)
    store.settleAll()
    await reopen()
    const { retained } = await restoredState(store)
    expect(retained.map((each) => each.source)).toEqual([source, source, source, source])
    const [restored] = retained.map((each) => each.source)
    for (const each of retained) expect(each.source).toBe(restored)
    // The broker goes on with the object that it was given.
    retain('a', restored)
    retain('e', restored)
    retain('b', retainedSource({ clientId: 'other' }))
    retain('c')
    store.settleAll()
    expect(rows(tables.sources)).toHaveLength(2)
    for (const topic of ['a', 'd', 'b']) append({ type: 'retained-removed', topic })
    store.settleAll()
    expect(rows(tables.sources)).toHaveLength(1)
    await reopen()
    append({ type: 'retained-removed', topic: 'e' })
    store.settleAll()
    expect(rows(tables.sources)).toEqual([])
    expect(rows(tables.retained)).toHaveLength(1)
  })

  it('has nothing of a message that was done before it was handed over', () => {
    begin('a')
    store.settleAll()
    // A commit runs meanwhile.
    queue('a', 1)
    store.endTurn()
    queue('a', 2)
    store.endTurn()
    append({ type: 'done', session: 'a', sequence: 2 })
    store.settle()
    expect(rows(tables.messages)).toHaveLength(1)
    expect(store.pending).toEqual([])
  })

  it('keeps a shared message until the batch is durable in which it moved to another queue', async () => {
    begin('a', 'b')
    store.settleAll()
    const message = Message.of({ topic: 't', payload: 'once', qos: 1 })
    const queued = queuedMessage({ message, shared: '$share/g/t' })
    const move = (from: string, to: string) =>
      append({ type: 'queued', session: to, queued }, { type: 'done', session: from, sequence: 1 })
    // The message of b waits in line behind a running commit, and moves to a in a later batch.
    append({ type: 'received', session: 'a', packetIdentifier: 1 })
    store.endTurn()
    append({ type: 'queued', session: 'b', queued })
    for (let n = 0; n < 5_000; n += 1) append({ type: 'received', session: 'a', packetIdentifier: 2 })
    store.endTurn()
    move('b', 'a')
    store.endTurn()
    store.settleOldest()
    store.settleOldest()
    await reopen()
    expect([sequences('a'), sequences('b')]).toEqual([[], [1]])
    move('b', 'a')
    store.settleAll()
    await reopen()
    expect([sequences('a'), sequences('b')]).toEqual([[1], []])
  })

  it('removes what belongs to an ended session, some in each turn', async () => {
    begin('a', 'b')
    const numbers = Array.from({ length: 2_500 }, (_, index) => index + 1)
    queue('a', ...numbers)
    queue('b', 1)
    append({ type: 'subscribed', session: 'a', subscription: subscriptionTo('x') })
    append({ type: 'received', session: 'a', packetIdentifier: 5 })
    store.settleAll()
    append({ type: 'session-ended', session: 'a' })
    expect(sequences('a')).toEqual([])
    store.settle()
    expect(rows(tables.messages).length).toBeGreaterThanOrEqual(1_501)
    for (let turn = 0; turn < 4; turn += 1) {
      store.endTurn()
      store.settle()
    }
    expect([rows(tables.messages).length, rows(tables.sessions).length]).toEqual([1, 1])
    expect([rows(tables.subscriptions), rows(tables.received)]).toEqual([[], []])
    expect(sequences('b')).toEqual([1])
  })

  it('drops what a crash has left of an ended session, and gives its number to no other', async () => {
    begin('a')
    queue('a', 1, 2)
    append({ type: 'subscribed', session: 'a', subscription: subscriptionTo('x') })
    append({ type: 'received', session: 'a', packetIdentifier: 5 })
    store.settleAll()
    // Only the record is removed, as when the process ends at once.
    const { environment } = store
    environment.removeAll(rows(tables.sessions).map(({ key }) => key))
    await reopen()
    begin('b')
    expect(sequences('b')).toEqual([])
    store.settleAll()
    expect([rows(tables.messages), rows(tables.subscriptions), rows(tables.received)]).toEqual([[], [], []])
    expect(rows(tables.sessions)[0]!.key.readUInt32BE(1)).toBe(2)
  })

  it('leaves a message out that cannot be read, and it leaves the queue', async () => {
    begin('a')
    queue('a', 1, 2, 3)
    store.settleAll()
    await reopen()
    store.environment.transaction(() => store.environment.put(messageKey(2, 0), Buffer.from([1, 2])))
    expect(sequences('a')).toEqual([1, 3])
    expect(store.damaged).toBe(1)
    store.settleAll()
    expect(rows(tables.messages)).toHaveLength(2)
    expect(sequences('a')).toEqual([1, 3])
  })

  it('stores a message again for more receivers than a removal may have', async () => {
    const message = Message.of({ topic: 't', payload: 'p', qos: 1 })
    const ids = Array.from({ length: 5_000 }, (_, index) => `s${index}`)
    begin(...ids)
    for (const id of ids) append({ type: 'queued', session: id, queued: queuedMessage({ message }) })
    store.settleAll()
    expect(store.messageCount).toBe(2)
    await reopen()
    expect([sequences('s0'), sequences('s4999'), store.messageCount]).toEqual([[1], [1], 2])
  })
})
