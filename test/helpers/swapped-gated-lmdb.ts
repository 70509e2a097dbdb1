import type { QueuedMessage, StoredState, StorePressure, StoreRecord } from '../../src/kinds/store.ts'
import type { ControlledStore } from './controlled-store.ts'
import { GatedLmdbStore } from './gated-lmdb-store.ts'

/** A gated `store-lmdb` that is swapped before each event that the test controls; every third of these swaps is undone. */
export class SwappedGatedLmdb implements ControlledStore {
  #store: GatedLmdbStore
  #calls = 0

  private constructor(store: GatedLmdbStore) {
    this.#store = store
  }

  static async open(): Promise<SwappedGatedLmdb> {
    return new SwappedGatedLmdb(await GatedLmdbStore.open())
  }

  get batch(): number {
    return this.#store.batch
  }

  get durableBatch(): number {
    return this.#store.durableBatch
  }

  get pressure(): StorePressure {
    return this.#store.pressure
  }

  get pending(): readonly StoreRecord[] {
    return this.#store.pending
  }

  append(record: StoreRecord): void {
    this.#store.append(record)
  }

  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    return this.#store.read(session, afterSequence, limit)
  }

  restore(): StoredState {
    return this.#store.restore()
  }

  onDurable(listener: () => void): void {
    this.#store.onDurable(listener)
  }

  endBatch(): void {
    this.#swapped().endBatch()
  }

  settleOldest(): void {
    this.#swapped().settleOldest()
  }

  settle(): void {
    this.#swapped().settle()
  }

  settleAll(): void {
    this.#swapped().settleAll()
  }

  async crash(): Promise<SwappedGatedLmdb> {
    return new SwappedGatedLmdb(await this.#swapped().crash())
  }

  dispose(): Promise<void> {
    return this.#store.dispose()
  }

  #swapped(): GatedLmdbStore {
    this.#calls += 1
    this.#store = this.#store.swap(this.#calls % 3 === 0)
    return this.#store
  }
}
