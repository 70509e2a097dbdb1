import { z } from 'zod'
import { rebuild, takeApart } from '../../components/store-memory/handover.ts'
import { MemoryStore } from '../../components/store-memory/memory-store.ts'
import {
  type QueuedMessage,
  Store,
  type StoredState,
  type StorePressure,
  type StoreRecord,
} from '../../src/kinds/store.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import type { ControlledStore } from './controlled-store.ts'

/**
 * A store with a slow disk: records become durable when the test says so.
 *
 *     store.settle()        everything appended so far becomes durable
 *     store.endBatch()      what is appended from now on is in another batch
 *     store.settleOldest()  the oldest batch becomes durable, the others do not
 *     store.pressure = ...  it does not keep pace, or cannot write; tells the listener
 *     store.crash()         another store, which has what was durable and nothing else
 */
export class SlowStore implements ControlledStore {
  /** Has everything appended. */
  readonly #live: MemoryStore
  /** Has what is durable. */
  readonly #disk: MemoryStore
  /** By the number of their batch, in order; none is empty. */
  readonly #pending = new Map<number, StoreRecord[]>()
  readonly #automatic: boolean
  #batch = 1
  #durableBatch = 0
  #pressure: StorePressure = 'none'
  #listener: () => void = () => undefined

  /**
   * @param options.automatic makes each batch durable at the end of a turn of the event loop, as a real store does in time.
   * @param options.disk the content of the disk at the start.
   */
  constructor(options: { readonly automatic?: boolean; readonly disk?: MemoryStore } = {}) {
    this.#automatic = options.automatic ?? false
    this.#disk = options.disk ?? new MemoryStore()
    this.#live = copyOf(this.#disk)
  }

  restore(): StoredState {
    return this.#live.restore()
  }

  append(record: StoreRecord): void {
    this.#live.append(record)
    const records = this.#pending.get(this.#batch)
    if (records !== undefined) {
      records.push(record)
      return
    }
    this.#pending.set(this.#batch, [record])
    if (this.#automatic) setImmediate(() => this.settle())
  }

  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    return this.#live.read(session, afterSequence, limit)
  }

  get batch(): number {
    return this.#batch
  }

  get durableBatch(): number {
    return this.#durableBatch
  }

  get pressure(): StorePressure {
    return this.#pressure
  }

  set pressure(pressure: StorePressure) {
    if (this.#pressure === pressure) return
    this.#pressure = pressure
    this.#listener()
  }

  onDurable(listener: () => void): void {
    this.#listener = listener
  }

  /** Records that are not durable, in their order. */
  get pending(): readonly StoreRecord[] {
    return [...this.#pending.values()].flat()
  }

  /** Ends the current batch, if there is anything in it. */
  endBatch(): void {
    if (this.#pending.has(this.#batch)) this.#batch += 1
  }

  /** Makes the oldest batch durable, ended or not. */
  settleOldest(): void {
    const [oldest] = this.#pending.keys()
    if (oldest !== undefined) this.#settleTo(oldest)
  }

  /** Makes everything appended so far durable, and tells the listener, once. What the listener appends has to wait again. */
  settle(): void {
    const newest = [...this.#pending.keys()].at(-1)
    if (newest !== undefined) this.#settleTo(newest)
  }

  /** Settles until all records are durable. */
  settleAll(): void {
    while (this.#pending.size > 0) this.settle()
  }

  /** The store that a new process would find after a crash. This store must not be used afterwards. */
  crash(): SlowStore {
    this.#listener = () => undefined
    this.#pending.clear()
    return new SlowStore({ automatic: this.#automatic, disk: this.#disk })
  }

  /** There is nothing to release. */
  dispose(): void {}

  #settleTo(batch: number): void {
    for (const [number, records] of this.#pending) {
      if (number > batch) break
      for (const record of records) this.#disk.append(record)
      this.#pending.delete(number)
    }
    this.#batch = Math.max(this.#batch, batch + 1)
    this.#durableBatch = batch
    this.#listener()
  }
}

/** A component that provides this very store, for the place of the store in a system. */
export const providing = (store: Store) =>
  defineComponent({ provides: Store, needs: {}, config: z.strictObject({}), start: () => store })

const copyOf = (store: MemoryStore): MemoryStore => rebuild(takeApart(store))
