import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { Environment } from '../../components/store-lmdb/environment.ts'
import { lmdbStore } from '../../components/store-lmdb/index.ts'
import type { OpenStore } from '../../components/store-lmdb/open-store.ts'
import { eventually } from './eventually.ts'
import { lifecycleContext } from './lifecycle-context.ts'
import { RecordingLogger } from './recording-logger.ts'

type Component = typeof lmdbStore

const context = lifecycleContext('store')

/** `store-lmdb` in a new directory, whose instance a test replaces as a reset does. */
export class LmdbSwaps {
  /** The instance that acts. */
  store: OpenStore
  readonly path: string
  /** Of the next instance, and of the first one. */
  log: RecordingLogger
  /** Of the next instance. */
  config: object = {}

  private constructor(path: string, store: OpenStore, log: RecordingLogger) {
    this.path = path
    this.store = store
    this.log = log
  }

  static async start(): Promise<LmdbSwaps> {
    const path = mkdtempSync(join(tmpdir(), 'lmdb-swaps-'))
    const parsed = lmdbStore.config.parse({ path })
    const logger = new RecordingLogger()
    const store = await lmdbStore.start(parsed, { logger }, context)
    return new LmdbSwaps(path, store as OpenStore, logger)
  }

  /** A successor that does not act yet. */
  prepare(component: Component = lmdbStore): OpenStore {
    const parsed = lmdbStore.config.parse({ path: this.path, ...this.config })
    return component.handover!.prepare(parsed, { logger: this.log }, context) as OpenStore
  }

  /** @returns undoes it. */
  swap(component: Component = lmdbStore): () => void {
    const former = this.store
    const next = this.prepare(component)
    const census = lmdbStore.handover!.census!(former)
    const back = component.handover!.take(next, lmdbStore.handover!.give(former))
    expect(component.handover!.census!(next)).toEqual(census)
    this.store = next
    return () => {
      back()
      void component.handover!.retire(next)
      this.store = former
    }
  }

  /** Stops the store and opens another one over the file. */
  async reopen(): Promise<void> {
    await lmdbStore.stop!(this.store, context)
    await this.open()
  }

  async open(): Promise<void> {
    const parsed = lmdbStore.config.parse({ path: this.path, ...this.config })
    this.store = (await lmdbStore.start(parsed, { logger: this.log }, context)) as OpenStore
  }

  async suspendAndResume(): Promise<void> {
    const suspended = await lmdbStore.suspend!(this.store, context)
    const parsed = lmdbStore.config.parse({ path: this.path, ...this.config })
    this.store = (await lmdbStore.resume!(parsed, { logger: this.log }, suspended, context)) as OpenStore
  }

  /** Entries of a table in the file. */
  rows(table: number): number {
    return this.store.environment.rows(Buffer.from([table]), Buffer.from([table + 1]), 1e6, 1e9).length
  }

  async dispose(): Promise<void> {
    await lmdbStore.stop!(this.store, context)
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** The code of the store, loaded a second time: all its classes are others. */
export const storeLoadedAgain = async (): Promise<Component> => {
  vi.resetModules()
  return (await import('../../components/store-lmdb/index.ts')).lmdbStore
}

/** Holds the commits of all instances whose classes are those of this process. */
export const holdCommits = () => {
  const { commit } = Environment.prototype
  const held: ((error?: Error) => void)[] = []
  const spy = vi.spyOn(Environment.prototype, 'commit').mockImplementation(async function (
    this: Environment,
    ...parts: Parameters<typeof commit>
  ) {
    await new Promise<void>((resolve, reject) => {
      held.push((error) => (error === undefined ? resolve() : reject(error)))
    })
    return commit.apply(this, parts)
  })
  return {
    /** Resolves when a commit is under way. */
    begun: () => eventually(() => expect(held.length).toBeGreaterThan(0)),
    /** Lets the commit that is under way pass or fail, and those that follow pass. */
    end: (error?: Error) => {
      const [first] = held.splice(0)
      spy.mockImplementation(commit)
      first!(error)
    },
  }
}
