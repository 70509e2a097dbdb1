import { kind } from '../system/kind.ts'

/** The batches in which records become durable. */
export interface DurableBatches {
  /** The number of the batch that takes records now. */
  readonly batch: number
  /** All batches up to this one are durable: Infinity if records need not wait. An empty batch need not become durable. */
  readonly durableBatch: number
  /** Sets the function that is called each time `durableBatch` has grown. */
  onDurable(listener: () => void): void
}

/**
 * Makes records durable beside the store, for example a replicated stream that a router writes to. An acknowledgement is sent
 * when everything that it promises is durable, here and in the store.
 *
 * The broker needs all components of this kind without wiring (`all`), so none of them can need the broker. A `Store` has
 * batches too, but is another kind: the broker itself writes to it.
 */
export interface Durability extends DurableBatches {
  /**
   * Sets the function to call each time a record enters `batch`, before another batch begins. The answer to the packet that is
   * being handled waits for this batch.
   */
  onRecord(listener: () => void): void
}

export const Durability = kind<Durability>()('Durability')
