import type { Durability } from '../../src/kinds/durability.ts'

/** A durability whose batches end and become durable when a test says so. */
export class Stream implements Durability {
  batch = 1
  durableBatch = 0
  /** Records taken so far. */
  records = 0
  #onDurable: () => void = () => undefined
  #onRecord: () => void = () => undefined

  onDurable(listener: () => void): void {
    this.#onDurable = listener
  }

  onRecord(listener: () => void): void {
    this.#onRecord = listener
  }

  /** Takes a record. */
  record(): void {
    this.records += 1
    this.#onRecord()
  }

  endBatch(): void {
    this.batch += 1
  }

  settle(batch = this.batch - 1): void {
    this.durableBatch = batch
    this.#onDurable()
  }
}
