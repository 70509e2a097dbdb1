import type { JournalPosition } from '../../src/kinds/client-broker.ts'
import type { QueuedMessage, Store, StoredState, StoreRecord } from '../../src/kinds/store.ts'

/** The store, as the broker writes it: it knows whether there is anything that an acknowledgement has to wait for. */
export class Journal implements JournalPosition {
  readonly #store: Store
  #position = 0
  #lastBatch = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Records appended so far. */
  get position(): number {
    return this.#position
  }

  /** The batch of the last record. The batch after it may stay empty, and never become durable. */
  get lastBatch(): number {
    return this.#lastBatch
  }

  /** The batch that the next record goes into. */
  get batch(): number {
    return this.#store.batch
  }

  get durableBatch(): number {
    return this.#store.durableBatch
  }

  /** Whether the store has nothing to wait for: what is appended is durable at once. */
  get isImmediate(): boolean {
    return this.#store.durableBatch === Number.POSITIVE_INFINITY
  }

  /** Whether what was appended last is durable already. */
  get isDurable(): boolean {
    return this.#store.durableBatch >= this.#store.batch
  }

  append(record: StoreRecord): void {
    this.#position += 1
    this.#lastBatch = this.#store.batch
    this.#store.append(record)
  }

  /** As `Store.read`. */
  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    return this.#store.read(session, afterSequence, limit)
  }

  /** As `Store.restore`. */
  restore(): Promise<StoredState> {
    return this.#store.restore()
  }

  /** As `Store.onDurable`. */
  onDurable(listener: () => void): void {
    this.#store.onDurable(listener)
  }
}
