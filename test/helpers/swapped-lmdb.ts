import { storeLmdbConfig } from '../../components/store-lmdb/config.ts'
import type { Environment } from '../../components/store-lmdb/environment.ts'
import { OpenStore } from '../../components/store-lmdb/open-store.ts'
import type { QueuedMessage, Store, StoredState, StorePressure, StoreRecord } from '../../src/kinds/store.ts'
import { RecordingLogger } from './recording-logger.ts'

/** Calls between two swaps. Prime, so that they meet different calls. */
const CALLS = 7

/** `store-lmdb` that is swapped before every seventh call; every third of these swaps is undone. */
export class SwappedLmdb implements Store {
  readonly #config: object
  #store: OpenStore
  #listener: () => void = () => undefined
  #calls = 0

  private constructor(store: OpenStore, config: object) {
    this.#store = store
    this.#config = config
  }

  static async open(config: object): Promise<SwappedLmdb> {
    const store = await OpenStore.open(storeLmdbConfig.parse(config), new RecordingLogger())
    return new SwappedLmdb(store, config)
  }

  get environment(): Environment {
    return this.#store.environment
  }

  get batch(): number {
    return this.#store.batch
  }

  get durableBatch(): number {
    return this.#store.durableBatch
  }

  get pressure(): StorePressure {
    return this.#store.pressure
  }

  append(record: StoreRecord): void {
    this.#called()
    this.#store.append(record)
  }

  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    this.#called()
    return this.#store.read(session, afterSequence, limit)
  }

  restore(): StoredState {
    return this.#store.restore()
  }

  onDurable(listener: () => void): void {
    this.#listener = listener
    this.#store.onDurable(listener)
  }

  flush(): Promise<void> {
    return this.#store.flush()
  }

  finish(signal: AbortSignal): Promise<void> {
    return this.#store.finish(signal)
  }

  #called(): void {
    this.#calls += 1
    if (this.#calls % CALLS === 0) this.swap(this.#calls % (CALLS * 3) === 0)
  }

  swap(isUndone = false): void {
    const former = this.#store
    const next = OpenStore.passive(storeLmdbConfig.parse(this.#config), new RecordingLogger())
    const back = next.take(former.give())
    next.onDurable(this.#listener)
    if (!isUndone) this.#store = next
    else {
      back()
      former.onDurable(this.#listener)
    }
  }
}
