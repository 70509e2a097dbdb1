import type { Store, StoreRecord } from '../../src/kinds/store.ts'

/** A store whose records become durable when the test says so. */
export interface ControlledStore extends Store {
  /** Records that are not durable, in their order. */
  readonly pending: readonly StoreRecord[]
  /** Ends the current batch, if there is anything in it. */
  endBatch(): void
  /** Makes the oldest batch durable, ended or not. */
  settleOldest(): void
  /** Makes everything appended so far durable. */
  settle(): void
  /** Settles until all records are durable. */
  settleAll(): void
  /** The store that a new process would find after a crash. This store must not be used afterwards. */
  crash(): ControlledStore | Promise<ControlledStore>
  /** Releases what it acquired. */
  dispose(): void | Promise<void>
}
