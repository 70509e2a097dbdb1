import { describe, expect, it } from 'vitest'
import { storeContract } from '../contract/store.ts'
import { restoredState } from './restored-state.ts'
import { SlowStore } from './slow-store.ts'
import { queuedMessage, sessionRecord } from './store-records.ts'

storeContract('slow-store, settling by itself', {
  create: () => new SlowStore({ automatic: true }),
  reopen: (store) => store.crash(),
  press: (store) => {
    store.pressure = 'stuck'
    return () => {
      store.pressure = 'none'
    }
  },
})

describe('slow-store', () => {
  const begun = () => {
    const store = new SlowStore()
    const durable: number[] = []
    store.onDurable(() => durable.push(store.durableBatch))
    store.append({ type: 'session', session: sessionRecord({ id: 'a' }) })
    return { store, durable }
  }
  const queue = (store: SlowStore, sequence: number) =>
    store.append({ type: 'queued', session: 'a', queued: queuedMessage({ sequence }) })

  it('makes nothing durable before it is told to, and then notifies once', async () => {
    const { store, durable } = begun()
    const { batch } = store
    await new Promise(setImmediate)
    expect([store.durableBatch, durable, store.pending.length]).toEqual([0, [], 1])
    store.settle()
    store.settle()
    expect([store.durableBatch, durable, store.pending.length]).toEqual([batch, [batch], 0])
    expect(store.batch).toBeGreaterThan(batch)
  })

  it('makes batches durable one by one', () => {
    const { store, durable } = begun()
    const first = store.batch
    store.endBatch()
    store.endBatch()
    queue(store, 1)
    expect(store.batch).toBe(first + 1)
    store.settleOldest()
    expect(store.durableBatch).toBe(first)
    store.settleOldest()
    store.settleOldest()
    expect(durable).toEqual([first, first + 1])
  })

  it('makes records that the listener appends wait again', () => {
    const { store, durable } = begun()
    store.onDurable(() => {
      if (durable.push(store.durableBatch) < 3) queue(store, durable.length)
    })
    store.settle()
    expect([durable.length, store.pending.length]).toEqual([1, 1])
    store.settleAll()
    expect([durable.length, store.pending.length]).toEqual([3, 0])
  })

  it('has lost what was not durable after a crash', async () => {
    const { store, durable } = begun()
    queue(store, 1)
    store.settle()
    queue(store, 2)
    store.append({ type: 'done', session: 'a', sequence: 1 })
    const after = store.crash()
    expect(after.read('a', 0, 10).map(({ sequence }) => sequence)).toEqual([1])
    expect((await restoredState(after)).sessions[0]!.queue).toMatchObject({ count: 1, lastSequence: 1 })
    store.settle()
    expect(durable).toHaveLength(1)
  })
})
