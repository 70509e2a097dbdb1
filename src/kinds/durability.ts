/**
 * Makes records durable in batches, for example a store on disk or a replicated stream. An acknowledgement is sent when
 * everything that it promises is durable.
 */
export interface Durability {
  /** The number of the batch that takes records now. */
  readonly batch: number
  /** All batches up to this one are durable: Infinity if records need not wait. An empty batch need not become durable. */
  readonly durableBatch: number
  /** Sets the function that is called each time `durableBatch` has grown. */
  onDurable(listener: () => void): void
}
