import type { JournalPosition } from '../../src/kinds/client-broker.ts'
import type { Durability } from '../../src/kinds/durability.ts'
import type { QueuedMessage, Store, StoredState, StorePressure, StoreRecord } from '../../src/kinds/store.ts'
import { Durabilities, type DurabilitiesState } from './durabilities.ts'
import { type ReadFailures, UnreadableStore } from './unreadable-store.ts'

/** The index of the store among the durabilities. */
const STORE = 0

/** Writes to the store, and knows whether an acknowledgement has to wait. */
export class Journal implements JournalPosition {
  #store: Store
  /** The store and the further durabilities; undefined if there is only the store. */
  readonly #all: Durabilities | undefined
  #position = 0
  #lastBatch = 0

  readonly #others: readonly Durability[]
  readonly #failures: ReadFailures | undefined

  /** @param others durabilities that answers wait for besides the store. @param failures is told of reads that fail. */
  constructor(store: Store, others: readonly Durability[] = [], failures?: ReadFailures) {
    this.#store = store
    this.#failures = failures
    this.#others = others
    this.#all = others.length === 0 ? undefined : new Durabilities([store, ...others])
  }

  /** Begins to take note of the records of other durabilities, and of what becomes durable. @param listener as in `onDurable`. */
  begin(listener: () => void): void {
    for (const [index, other] of this.#others.entries()) other.onRecord(() => this.#recorded(index))
    this.onDurable(listener)
  }

  /** For a successor. Changes nothing. */
  handOver(): JournalState {
    return { position: this.#position, lastBatch: this.#lastBatch, all: this.#all?.handOver() }
  }

  /** Continues at a reset, over the same store or its successor. */
  takeOver({ position, lastBatch, all }: JournalState): void {
    this.#position = position
    this.#lastBatch = lastBatch
    if (all !== undefined) this.#all?.takeOver(all)
  }

  /** Records appended to the store and to the other durabilities so far. */
  get position(): number {
    return this.#position
  }

  /** The batch of the last record. The batch after it may stay empty, and never become durable. */
  get lastBatch(): number {
    return this.#all === undefined ? this.#lastBatch : this.#all.lastBatch
  }

  get durableBatch(): number {
    return this.#all === undefined ? this.#store.durableBatch : this.#all.durableBatch
  }

  /** Whether appended records are durable at once. */
  get isImmediate(): boolean {
    return this.#all === undefined ? this.#store.durableBatch === Number.POSITIVE_INFINITY : this.#all.isImmediate
  }

  /** Whether the store keeps pace. */
  get pressure(): StorePressure {
    return this.#store.pressure
  }

  append(record: StoreRecord): void {
    this.#position += 1
    if (this.#all === undefined) this.#lastBatch = this.#store.batch
    else this.#all.give(STORE)
    this.#store.append(record)
  }

  /** As `Store.read`. @throws UnreadableStore, whatever the store throws. */
  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    try {
      return this.#store.read(session, afterSequence, limit)
    } catch (error) {
      this.#failures?.note(session, error, performance.now())
      throw new UnreadableStore(session, error)
    }
  }

  /** As `Store.restore`. */
  restore(): StoredState {
    return this.#store.restore()
  }

  /**
   * Writes to another store from now on, which has taken over everything of the one before, its batch numbers too.
   * @returns goes back.
   */
  replaceStore(store: Store): () => void {
    const before = this.#store
    this.#store = store
    this.#all?.replace(STORE, store)
    return () => {
      this.#store = before
      this.#all?.replace(STORE, before)
    }
  }

  /** Sets the function that is called each time `durableBatch` may have grown or `pressure` has changed. */
  onDurable(listener: () => void): void {
    if (this.#all === undefined) this.#store.onDurable(listener)
    else this.#all.onDurable(listener)
  }

  /** Another durability has taken a record. The answer to the present packet depends on it. @param index of the durability, from 0. */
  #recorded(index: number): void {
    this.#position += 1
    this.#all?.give(STORE + 1 + index)
  }
}

/** What goes to the successor at a reset. */
export interface JournalState {
  readonly position: number
  readonly lastBatch: number
  readonly all: DurabilitiesState | undefined
}
