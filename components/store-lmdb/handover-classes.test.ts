import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { driving, durable } from '../../test/contract/store-under-test.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { holdCommits, LmdbSwaps, storeLoadedAgain } from '../../test/helpers/lmdb-swaps.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { retainedSource, subscriptionTo } from '../../test/helpers/store-records.ts'
import { BatchLine } from './batch-line.ts'
import { Environment } from './environment.ts'
import { lmdbStore } from './index.ts'
import { messageKey, tables } from './layout.ts'
import { QueueIndex } from './queue-index.ts'
import { RetryingCommitter } from './retrying-committer.ts'
import { SentRows } from './sent-rows.ts'

let swaps: LmdbSwaps
beforeEach(async () => {
  swaps = await LmdbSwaps.start()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await swaps.dispose()
})
const { append, begin, queue, sequences } = driving(() => swaps.store)
const ioError = new Error('Input/output error')

describe('a successor of other classes', () => {
  const fill = () => {
    begin('a', 'b')
    queue('a', 1, 2, 3)
    append(
      { type: 'sent', session: 'a', sequence: 2, packetIdentifier: 7 },
      { type: 'subscribed', session: 'b', subscription: subscriptionTo('x/#') },
      { type: 'received', session: 'b', packetIdentifier: 9 },
      { type: 'retained', message: Message.of({ topic: 'r', payload: 'x', retain: true }), source: retainedSource() },
    )
  }
  const observed = () => [sequences('a'), swaps.store.read('a', 1, 1)[0]!.packetIdentifier, swaps.store.counts.queued]

  it('continues with all that is there, and its own successor too', async () => {
    fill()
    for (let round = 0; round < 3; round += 1) {
      swaps.swap(await storeLoadedAgain())
      expect(observed()).toEqual([[1, 2, 3 + round], 7, 3])
      queue('a', 4 + round)
      append({ type: 'done', session: 'a', sequence: 3 + round })
    }
    await durable(swaps.store)
    await swaps.reopen()
    const { sessions, retained } = await restoredState(swaps.store)
    expect(sessions.map(({ id, received }) => [id, received])).toEqual([
      ['a', []],
      ['b', [9]],
    ])
    expect(retained).toHaveLength(1)
    expect(sequences('a')).toEqual([1, 2, 6])
  })

  it('continues with what the file has of messages that were sent, and gives it back', async () => {
    fill()
    await durable(swaps.store)
    append({ type: 'sent', session: 'a', sequence: 3, packetIdentifier: 8 })
    await durable(swaps.store)
    const session = swaps.store.handOver().index.sessions.get('a')!
    const former = session.sentRows
    expect(former).toBeInstanceOf(SentRows)
    swaps.swap(await storeLoadedAgain())()
    expect(session.sentRows).toBe(former)
    swaps.swap(await storeLoadedAgain())
    expect(session.sentRows).not.toBe(former)
    append(
      { type: 'done', session: 'a', sequence: 3 },
      { type: 'sent', session: 'a', sequence: 1, packetIdentifier: 9 },
    )
    await durable(swaps.store)
    await swaps.reopen()
    const page = swaps.store.read('a', 0, 10)
    expect(page.map(({ sequence, packetIdentifier }) => [sequence, packetIdentifier])).toEqual([
      [1, 9],
      [2, 7],
    ])
  })

  it('continues with an ended session that a batch still writes', async () => {
    begin('a')
    queue('a', 1)
    await durable(swaps.store)
    append({ type: 'sent', session: 'a', sequence: 1, packetIdentifier: 7 })
    await durable(swaps.store)
    const session = swaps.store.handOver().index.sessions.get('a')!
    const commits = holdCommits()
    begin('b')
    await commits.begun()
    append({ type: 'sent', session: 'a', sequence: 1, packetIdentifier: 8 })
    // It closes the batch, which waits in line.
    swaps.swap()
    append({ type: 'session-ended', session: 'a' })
    swaps.store.endTurn()
    const { ending, line } = swaps.store.handOver()
    const waiting = [ending.length, line.line.length]
    const { queue: formerQueue, sentRows: formerRows } = session
    swaps.swap(await storeLoadedAgain())
    const { queue: nextQueue, sentRows: nextRows } = session
    commits.end()
    expect(waiting).toEqual([0, 1])
    expect(formerRows).toBeInstanceOf(SentRows)
    expect(nextQueue).not.toBe(formerQueue)
    expect(nextRows).not.toBe(formerRows)
    await durable(swaps.store)
    await swaps.reopen()
    expect([swaps.store.sessionCount, swaps.rows(tables.sent)]).toEqual([1, 0])
  })

  it('gives everything back when it is undone, with what was appended in that turn', async () => {
    fill()
    const former = swaps.store
    for (let round = 0; round < 3; round += 1) {
      const back = swaps.swap(await storeLoadedAgain())
      queue('a', 4 + round)
      append({ type: 'done', session: 'a', sequence: 3 + round })
      back()
    }
    expect(swaps.store).toBe(former)
    expect(former.handOver().index.sessions.get('a')!.queue).toBeInstanceOf(QueueIndex)
    expect(observed()).toEqual([[1, 2, 6], 7, 3])
    await durable(swaps.store)
    await swaps.reopen()
    const { sessions } = await restoredState(swaps.store)
    expect(sessions.map(({ queue: { count, lastSequence } }) => [count, lastSequence])).toEqual([
      [3, 6],
      [0, 0],
    ])
  })
})

describe('a take that fails', () => {
  const fail = () => {
    throw new Error('not today')
  }
  it.each([
    ['before anything', () => vi.spyOn(BatchLine.prototype, 'completeEncoding').mockImplementation(fail)],
    ['at a queue', () => vi.spyOn(QueueIndex.prototype, 'takeOver').mockImplementation(fail)],
    ['at the line of batches', () => vi.spyOn(BatchLine.prototype, 'takeOver').mockImplementation(fail)],
    ['at the commits', () => vi.spyOn(RetryingCommitter.prototype, 'takeOver').mockImplementation(fail)],
  ])('%s leaves everything as it is', async (_, breaks) => {
    // The queue is one of the code before, so that it is made anew.
    const { QueueIndex: FormerQueueIndex } = await formerClasses()
    const commits = holdCommits()
    begin('a')
    await commits.begun()
    queue('a', 1)
    const session = swaps.store.handOver().index.sessions.get('a')!
    const former = new FormerQueueIndex()
    former.takeOver(session.queue.handOver())
    session.queue = former
    const listener = vi.fn()
    swaps.store.onDurable(listener)
    const broken = breaks()
    expect(() => swaps.swap()).toThrow('not today')
    broken.mockRestore()
    expect(session.queue).toBe(former)
    expect(sequences('a')).toEqual([1])
    queue('a', 2)
    commits.end()
    await durable(swaps.store, listener)
    expect(listener).toHaveBeenCalled()
    await swaps.reopen()
    expect(sequences('a')).toEqual([1, 2])
  })

  it('at a later queue puts back the queues before it', async () => {
    const { QueueIndex: FormerQueueIndex } = await formerClasses()
    begin('a', 'b')
    queue('a', 1)
    queue('b', 1)
    const sessions = [...swaps.store.handOver().index.sessions.values()]
    const formers = sessions.map((session) => {
      const former = new FormerQueueIndex()
      former.takeOver(session.queue.handOver())
      session.queue = former
      return former
    })
    const { takeOver } = QueueIndex.prototype
    const broken = vi.spyOn(QueueIndex.prototype, 'takeOver')
    broken.mockImplementationOnce(takeOver).mockImplementationOnce(fail)
    expect(() => swaps.swap()).toThrow('not today')
    broken.mockRestore()
    expect(sessions.map((session) => session.queue)).toEqual(formers)
    for (const [index, session] of sessions.entries()) expect(session.queue).toBe(formers[index])
    queue('a', 2)
    await swaps.reopen()
    expect([sequences('a'), sequences('b')]).toEqual([[1, 2], [1]])
  })

  it('is refused when the file is closed', async () => {
    const former = swaps.store
    await swaps.reopen()
    const next = swaps.prepare()
    expect(() => next.take(former.give())).toThrow(`the store in ${swaps.path} is closed`)
    expect(() => next.environment.database).toThrow('no open file')
  })
})

/** The classes of the index, loaded a second time. */
const formerClasses = async (): Promise<{ QueueIndex: typeof QueueIndex }> => {
  vi.resetModules()
  return import('./queue-index.ts')
}

describe('after a swap', () => {
  it('the file is opened again when LMDB gave it up while the predecessor wrote', async () => {
    begin('a')
    await durable(swaps.store)
    const { database } = swaps.store.environment
    vi.spyOn(database, 'batch').mockImplementation(() => Promise.reject(ioError))
    vi.spyOn(database, 'get').mockImplementation(() => {
      throw Object.assign(new Error('MDB_PANIC: Update of meta page failed'), { code: -30_795 })
    })
    queue('a', 1)
    await new Promise(setImmediate)
    swaps.swap()
    await eventually(() => expect(swaps.store.durableBatch).toBe(swaps.store.batch - 1))
    expect(swaps.store.environment.database).not.toBe(database)
    expect(sequences('a')).toEqual([1])
  })

  it('a backup, the measures and a restart work as before', async () => {
    begin('a')
    queue('a', 1)
    await durable(swaps.store)
    swaps.swap(await storeLoadedAgain())
    const directory = join(swaps.path, 'backup')
    await swaps.store.environment.backup(directory)
    const measures = Object.fromEntries(lmdbStore.measure!(swaps.store).map(({ name, read }) => [name, read()]))
    expect(measures).toMatchObject({ sessions: 1, queued: 1, pending: 0, pressed: 0, failed: 0, damaged: 0 })
    expect(measures['commits']).toBeGreaterThan(0)
    await swaps.suspendAndResume()
    expect(sequences('a')).toEqual([1])
    const copy = Environment.open(directory)
    expect(copy.rows(Buffer.from([tables.sessions]), Buffer.from([tables.sessions + 1]), 10, 1e6)).toHaveLength(1)
    await copy.close()
  })

  it('messages that could not be read are counted on, and retained messages that wait are restored', async () => {
    begin('a')
    queue('a', 1)
    await durable(swaps.store)
    swaps.store.environment.removeAll([messageKey(1, 0)])
    expect(sequences('a')).toEqual([])
    const commits = holdCommits()
    append({ type: 'retained', message: Message.of({ topic: 'r', payload: '1', retain: true }) })
    await commits.begun()
    append({ type: 'retained', message: Message.of({ topic: 'r', payload: '2', retain: true }) })
    swaps.swap()
    expect(swaps.store.damaged).toBe(1)
    commits.end()
    await eventually(() => expect(swaps.rows(tables.retained)).toBe(1))
    const { retained } = await restoredState(swaps.store)
    expect(retained.map(({ message: { payload } }) => Buffer.from(payload).toString())).toEqual(['2'])
  })

  it('no former store is kept', async () => {
    const references: WeakRef<object>[] = []
    begin('a')
    for (let round = 0; round < 200; round += 1) {
      references.push(new WeakRef(swaps.store))
      queue('a', round + 1)
      swaps.swap()
      if (round % 10 === 0) await durable(swaps.store)
    }
    await durable(swaps.store)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    for (let count = 0; count < 3; count += 1) {
      await new Promise(setImmediate)
      collect()
    }
    expect(references.filter((reference) => reference.deref() !== undefined).length).toBeLessThan(2)
  })
})
