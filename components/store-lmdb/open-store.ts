import { Change, liveConfig, replacing } from '../../src/collections/change.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { ReplaceableLogger } from '../../src/kinds/replaceable-logger.ts'
import type { StoreLmdbConfig } from './config.ts'
import { Environment, namingStore, type OpenFile } from './environment.ts'
import { own } from './own.ts'
import { emptyIndex, type LoadProgress, loadIndex } from './restore.ts'
import { type CommitterState, RetryingCommitter } from './retrying-committer.ts'
import { LmdbStore, type StoreParts } from './store-lmdb.ts'
import type { StoreState } from './store-state.ts'

/** What an open store hands over to its successor at a reset. */
export interface OpenStoreState {
  readonly file: OpenFile
  readonly committer: CommitterState
  readonly store: StoreState
}

/** A store that runs, with what it stands on. */
export class OpenStore extends LmdbStore {
  readonly environment: Environment
  readonly #committer: RetryingCommitter
  readonly #log: ReplaceableLogger
  readonly #config: StoreLmdbConfig

  private constructor(
    environment: Environment,
    committer: RetryingCommitter,
    parts: Omit<StoreParts, 'settings'> & { readonly settings: StoreLmdbConfig; readonly log: ReplaceableLogger },
  ) {
    super(parts)
    this.#config = parts.settings
    this.environment = environment
    this.#committer = committer
    this.#log = parts.log
    committer.onFailure(() => this.pendingRecords)
  }

  /** Opens the file of the config's path, as its owner. @throws an Error that names the path and the reason. */
  static async open(config: StoreLmdbConfig, log: Logger): Promise<OpenStore> {
    // Native code may end the process without an error when the file is damaged: this line says which file it was.
    log.debug({ path: config.path }, `The store opens ${config.path}`)
    const environment = Environment.open(config.path, config)
    try {
      await own(environment)
      return await OpenStore.over(environment, config, log)
    } catch (error) {
      await environment.close()
      throw namingStore(error, config.path)
    }
  }

  /** Goes on with a file that this process owns already. */
  static async over(environment: Environment, config: StoreLmdbConfig, logger: Logger): Promise<OpenStore> {
    const { path } = environment
    const log = new ReplaceableLogger(logger)
    const settings = liveConfig(config)
    try {
      const index = await loadIndex(environment, progressLine(path, log))
      const committer = new RetryingCommitter(environment, log, config.minimumFreeBytes)
      return new OpenStore(environment, committer, { file: environment, committer, log, settings, index })
    } catch (cause) {
      const hint = 'mqtt-jig store check lists what is damaged'
      throw new Error(`The store in ${path} cannot be read: ${(cause as Error).message}; ${hint}`, { cause })
    }
  }

  /** Makes a store that does nothing until it continues what a predecessor gives: a process must not open a file twice. */
  static passive(config: StoreLmdbConfig, logger: Logger): OpenStore {
    const log = new ReplaceableLogger(logger)
    const environment = new Environment(config.path)
    const committer = new RetryingCommitter(environment, log, config.minimumFreeBytes)
    const settings = liveConfig(config)
    return new OpenStore(environment, committer, { file: environment, committer, log, settings, index: emptyIndex() })
  }

  /** For a successor. Changes nothing. */
  give(): OpenStoreState {
    return { file: this.environment.handOver(), committer: this.#committer.handOver(), store: this.handOver() }
  }

  /**
   * Continues with the open file, what is written to it now and what waits.
   * @returns gives all of it back.
   * @throws an Error when the file is closed.
   */
  take({ file, committer, store }: OpenStoreState): () => void {
    if (file.isClosed || file.database === undefined) throw new Error(`the store in ${file.path} is closed`)
    this.environment.takeOver(file)
    const change = new Change([...this.takingOver(store), () => this.#committer.takeOver(committer)])
    try {
      change.commit()
    } catch (error) {
      change.undo()
      throw error
    }
    return () => change.undo()
  }

  /** Prepares another config over the same path. `mapSize` is for the next start. */
  adjust(config: StoreLmdbConfig, log: Logger): Change {
    return new Change(
      [
        replacing(this.#config, config),
        () => this.#log.replace(log),
        () => this.#committer.keepFree(config.minimumFreeBytes),
      ],
      // With the durability `buffered` nothing waits any more.
      { done: () => this.settingsChanged() },
    )
  }

  get counters(): RetryingCommitter['counters'] {
    return this.#committer.counters
  }

  /**
   * Writes what waits, and stops. The file stays open.
   * @param signal ends the wait.
   * @throws an Error that says how many records were not written.
   */
  async finish(signal: AbortSignal): Promise<void> {
    try {
      await endedBy(this.flush(), signal)
    } finally {
      const waiting = this.pendingRecords
      this.#committer.stop()
      this.stop()
      if (waiting > 0) {
        const { path } = this.environment
        this.#log.error(
          { path, waiting },
          `${waiting} records were not written to ${path}. None of them was acknowledged`,
        )
      }
    }
  }
}

/** Rejects when the signal is aborted before the promise is settled. */
const endedBy = async (promise: Promise<void>, signal: AbortSignal): Promise<void> => {
  const { promise: aborted, abort } = abortOf(signal)
  try {
    await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const abortOf = (signal: AbortSignal): { promise: Promise<never>; abort: () => void } => {
  let abort = (): void => undefined
  const promise = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new Error('The deadline passed before the store had written everything'))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
  return { promise, abort }
}

/** A line each second, for a file that takes long to read. */
const progressLine = (path: string, log: Logger): ((progress: LoadProgress) => void) => {
  let nextMs = performance.now() + PROGRESS_MS
  return ({ sessions, messages }) => {
    if (performance.now() < nextMs) return
    nextMs = performance.now() + PROGRESS_MS
    log.info({ path, sessions, messages }, `The store reads ${path}: ${sessions} sessions, ${messages} messages so far`)
  }
}

const PROGRESS_MS = 1_000
