import type { Store, StoreRecord } from '../../src/kinds/store.ts'

/** The store, as the handler writes it: it knows whether there is anything that an acknowledgement has to wait for. */
export class Journal {
  readonly store: Store
  /** Records appended so far: whoever compares it before and after knows whether something was. */
  appended = 0

  constructor(store: Store) {
    this.store = store
  }

  append(record: StoreRecord): void {
    this.appended += 1
    this.store.append(record)
  }

  /** Whether what was appended last is durable already. */
  get durable(): boolean {
    return this.store.durableBatch >= this.store.batch
  }
}
