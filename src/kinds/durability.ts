/**
 * Something that makes what it is given durable, batch by batch: a store on disk, a replicated stream. An acknowledgement leaves
 * when everything that it promises is durable.
 */
export interface Durability {
  /** The number of the batch that is added to at this moment. */
  readonly batch: number
  /**
   * All batches up to this one are durable: Infinity where there is nothing to wait for. A batch with nothing in it need never
   * become durable.
   */
  readonly durableBatch: number
  /** Sets who is called whenever `durableBatch` has grown. */
  onDurable(listener: () => void): void
}
