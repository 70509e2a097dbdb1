import type { Store, StoreRecord } from '../../src/kinds/store.ts'

/** The store, as the handler writes it: it knows whether there is anything that an acknowledgement has to wait for. */
export class Journal {
  readonly store: Store
  /** Records appended so far: whoever compares it before and after knows whether something was. */
  appended = 0
  /** The batch of the last record: durable once that is. The batch after it may stay empty, and never become durable. */
  lastBatch = 0

  constructor(store: Store) {
    this.store = store
  }

  append(record: StoreRecord): void {
    this.appended += 1
    this.lastBatch = this.store.batch
    this.store.append(record)
  }

  /** Whether the store has nothing to wait for: what is appended is durable at once. */
  get isImmediate(): boolean {
    return this.store.durableBatch === Number.POSITIVE_INFINITY
  }

  /** Whether what was appended last is durable already. */
  get durable(): boolean {
    return this.store.durableBatch >= this.store.batch
  }
}
