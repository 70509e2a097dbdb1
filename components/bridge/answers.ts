import { Fifo } from '../../src/collections/fifo.ts'
import type { JournalPosition } from '../../src/kinds/client-broker.ts'

/** The most answers that may wait while the store keeps pace. Then the remote broker is not read until they are sent. */
const MAXIMUM_WAITING = 1_000

/** Holds back the answers to the remote broker until what they promise is durable, and sends them in their order [MQTT-4.6.0-2]. */
export class Answers {
  readonly #journal: JournalPosition
  readonly #send: (bytes: Uint8Array) => void
  readonly #awaitStore: () => void
  readonly #waiting = new Fifo<{ readonly bytes: Uint8Array; readonly batch: number }>()

  /** @param awaitStore is called when an answer has to wait: `release` must be called later. */
  constructor(journal: JournalPosition, send: (bytes: Uint8Array) => void, awaitStore: () => void) {
    this.#journal = journal
    this.#send = send
    this.#awaitStore = awaitStore
  }

  /** Whether the remote broker must not be read: too many answers wait, or any while the store does not keep pace. */
  get isFull(): boolean {
    const { length } = this.#waiting
    return length >= MAXIMUM_WAITING || (length > 0 && this.#journal.pressure !== 'none')
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Sends an answer once everything that was appended to the journal so far is durable. */
  add(bytes: Uint8Array): void {
    const { lastBatch: batch, durableBatch } = this.#journal
    if (this.#waiting.length === 0 && batch <= durableBatch) {
      this.#send(bytes)
      return
    }
    this.#waiting.push({ bytes, batch })
    this.#awaitStore()
  }

  /** Sends those whose batch is durable. */
  release(): void {
    const { durableBatch } = this.#journal
    for (
      let next = this.#waiting.peek();
      next !== undefined && next.batch <= durableBatch;
      next = this.#waiting.peek()
    ) {
      this.#waiting.shift()
      this.#send(next.bytes)
    }
  }

  /** The connection has ended. */
  clear(): void {
    this.#waiting.clear()
  }
}
