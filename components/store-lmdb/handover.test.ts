import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { driving, durable } from '../../test/contract/store-under-test.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { holdCommits, LmdbSwaps, storeLoadedAgain } from '../../test/helpers/lmdb-swaps.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { restoredState } from '../../test/helpers/restored-state.ts'
import { retainedSource, subscriptionTo } from '../../test/helpers/store-records.ts'
import { Environment } from './environment.ts'
import { tables } from './layout.ts'

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

describe('a commit that is under way at a swap', () => {
  it('ends at the successor, which tells its listener, and numbers of batches go on', async () => {
    const commits = holdCommits()
    const formerTold = vi.fn()
    swaps.store.onDurable(formerTold)
    begin('a')
    const written = swaps.store.batch
    await commits.begun()
    queue('a', 1)
    const waiting = swaps.store.batch
    const former = swaps.store
    swaps.swap()
    const told: number[] = []
    swaps.store.onDurable(() => told.push(swaps.store.durableBatch))
    queue('a', 2)
    expect([written, waiting, swaps.store.batch]).toEqual([1, 2, 3])
    expect(swaps.store.pendingRecords).toBe(3)
    commits.end()
    await eventually(() => expect(swaps.store.durableBatch).toBe(3))
    expect(told).toEqual(expect.arrayContaining([1, 3]))
    expect(told).toEqual(told.toSorted())
    expect(formerTold).not.toHaveBeenCalled()
    expect(former.counters).toBe(swaps.store.counters)
    expect(swaps.store.counters.commits).toBeGreaterThanOrEqual(2)
    await swaps.reopen()
    expect(sequences('a')).toEqual([1, 2])
  })

  it('fails, and the successor tries again and says that the store is stuck, and that it is not any more', async () => {
    const commits = holdCommits()
    begin('a')
    await commits.begun()
    swaps.log = new RecordingLogger()
    swaps.swap()
    const pressures: string[] = []
    swaps.store.onDurable(() => pressures.push(swaps.store.pressure))
    commits.end(ioError)
    await eventually(() => expect(swaps.store.durableBatch).toBe(1))
    expect(pressures).toContain('stuck')
    expect(pressures.at(-1)).toBe('none')
    await eventually(() =>
      expect(swaps.log.at('warn').map(({ message }) => message)).toEqual([expect.stringContaining('records wait')]),
    )
    expect(swaps.log.at('info').map(({ message }) => message)).toEqual([
      `The store wrote to ${swaps.path} again. Nothing is lost`,
    ])
    expect(swaps.store.counters.failedCommits).toBe(1)
  })

  it('is tried again by the successor when the last attempt had failed before', async () => {
    const failing = vi.spyOn(Environment.prototype, 'commit').mockRejectedValue(ioError)
    begin('a')
    await eventually(() => expect(swaps.store.pressure).toBe('stuck'))
    swaps.swap()
    expect(swaps.store.pressure).toBe('stuck')
    swaps.swap()()
    const failed = swaps.store.counters.failedCommits
    await eventually(() => expect(swaps.store.counters.failedCommits).toBeGreaterThan(failed))
    failing.mockRestore()
    await durable(swaps.store)
    expect(swaps.store.pressure).toBe('none')
  })

  it('ends at the predecessor when the swap is undone', async () => {
    const commits = holdCommits()
    begin('a')
    await commits.begun()
    queue('a', 1)
    const own = swaps.log
    const other = new RecordingLogger()
    swaps.log = other
    swaps.config = { maximumPendingBytes: 1, bufferedMs: 3_600_000, durability: 'buffered' }
    const back = swaps.swap()
    queue('a', 2)
    back()
    swaps.config = {}
    const pressures: string[] = []
    swaps.store.onDurable(() => pressures.push(swaps.store.pressure))
    queue('a', 3)
    expect(sequences('a')).toEqual([1, 2, 3])
    commits.end(ioError)
    await eventually(() => expect(swaps.store.durableBatch).toBe(swaps.store.batch - 1))
    // Its own limits, and its own log.
    expect(new Set(pressures)).toEqual(new Set(['stuck', 'none']))
    await eventually(() => expect(own.at('warn')).toHaveLength(1))
    expect(other.lines).toEqual([])
    await swaps.reopen()
    expect(sequences('a')).toEqual([1, 2, 3])
  })

  it('is awaited by the stop of the successor', async () => {
    const commits = holdCommits()
    begin('a')
    queue('a', 1)
    await commits.begun()
    swaps.swap()
    const stopped = swaps.reopen()
    commits.end()
    await stopped
    expect(sequences('a')).toEqual([1])
  })

  it('is not continued when the successor has stopped', async () => {
    const commits = holdCommits()
    begin('a')
    await commits.begun()
    swaps.swap()
    await expect(swaps.store.finish(AbortSignal.abort())).rejects.toThrow('The deadline passed')
    commits.end(ioError)
    await new Promise(setImmediate)
    expect(swaps.store.counters.failedCommits).toBe(0)
    await swaps.store.environment.close()
    await swaps.open()
    expect(swaps.store.sessionCount).toBe(0)
  })
})

describe('what waits at a swap', () => {
  it('is written although no record follows, and promises to flush are kept', async () => {
    begin('a')
    queue('a', 1)
    const flushed = swaps.store.flush()
    swaps.swap()
    await flushed
    expect(swaps.store.pendingRecords).toBe(0)
    append({ type: 'done', session: 'a', sequence: 1 })
    // Records of this kind are put off by a timer, which the successor does not need.
    swaps.swap()
    await eventually(() => expect(swaps.store.pendingRecords).toBe(0))
    await swaps.reopen()
    expect(sequences('a')).toEqual([])
  })

  it('is under pressure at the successor until it is written', async () => {
    swaps.config = { maximumPendingBytes: 1_000 }
    swaps.swap()
    const commits = holdCommits()
    begin('a')
    await commits.begun()
    queue('a', ...Array.from({ length: 20 }, (_, index) => index + 1))
    await eventually(() => expect(swaps.store.pressure).toBe('slow'))
    swaps.swap()
    expect(swaps.store.pressure).toBe('slow')
    const pressures: string[] = []
    swaps.store.onDurable(() => pressures.push(swaps.store.pressure))
    commits.end()
    await eventually(() => expect(pressures.at(-1)).toBe('none'))
  })

  it('follows another durability, and the listener is told', async () => {
    const commits = holdCommits()
    begin('a')
    await commits.begun()
    const told = vi.fn()
    swaps.store.onDurable(told)
    swaps.config = { durability: 'buffered', bufferedMs: 3_600_000 }
    swaps.swap()
    expect(swaps.store.durableBatch).toBe(Number.POSITIVE_INFINITY)
    await eventually(() => expect(told).toHaveBeenCalled())
    commits.end()
    await eventually(() => expect(swaps.store.pendingRecords).toBe(0))
    queue('a', 1)
    await new Promise(setImmediate)
    expect(swaps.store.pendingRecords).toBe(1)
    swaps.config = {}
    swaps.swap()
    const { batch } = swaps.store
    await eventually(() => expect(swaps.store.durableBatch).toBe(batch - 1))
    await swaps.reopen()
    expect(sequences('a')).toEqual([1])
  })

  it('is removed with an ended session over many turns, before and after', async () => {
    const many = Array.from({ length: 5_000 }, (_, index) => index + 1)
    begin('a', 'b')
    queue('a', ...many)
    queue('b', 1)
    await durable(swaps.store)
    append({ type: 'session-ended', session: 'a' })
    swaps.swap(await storeLoadedAgain())
    append({ type: 'session-ended', session: 'b' })
    swaps.swap()
    await eventually(() => expect(swaps.store.messageCount).toBe(0))
    await durable(swaps.store)
    await eventually(() => expect([swaps.rows(tables.messages), swaps.rows(tables.sessions)]).toEqual([0, 0]))
  })

  it('is complete when it was being encoded', async () => {
    const filters = Array.from({ length: 5_000 }, (_, index) => `filter/${index}`)
    begin('a')
    await durable(swaps.store)
    const again = await storeLoadedAgain()
    for (const filter of filters) append({ type: 'subscribed', session: 'a', subscription: subscriptionTo(filter) })
    const { line } = swaps.store.give().store
    // The end of the turn.
    swaps.store.endTurn()
    expect(line.encoding).toBeDefined()
    const { batch } = swaps.store
    swaps.swap(again)
    expect([line.encoding, line.running?.batch.number]).toEqual([undefined, batch - 1])
    append({ type: 'unsubscribed', session: 'a', filter: 'filter/0' })
    await durable(swaps.store)
    await swaps.reopen()
    const [session] = (await restoredState(swaps.store)).sessions
    expect(session!.subscriptions.map(({ filter }) => filter).toSorted()).toEqual(filters.slice(1).toSorted())
  })

  it('is read on by a restore of retained messages that was begun before', async () => {
    const topics = Array.from({ length: 3_000 }, (_, index) => `t/${index}`)
    for (const topic of topics) {
      append({ type: 'retained', message: Message.of({ topic, payload: 'x', retain: true }), source: retainedSource() })
    }
    await durable(swaps.store)
    const found: string[] = []
    for await (const page of swaps.store.restore().retained) {
      found.push(...page.map(({ message }) => message.topic))
      swaps.swap(await storeLoadedAgain())
      if (found.length < 1_500) append({ type: 'retained-removed', topic: 't/999' })
    }
    expect(found.toSorted()).toEqual(topics.filter((topic) => topic !== 't/999' || found.includes(topic)).toSorted())
    expect(found).not.toContain('t/999')
  })
})
