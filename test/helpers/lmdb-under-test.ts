import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { storeLmdbConfig } from '../../components/store-lmdb/config.ts'
import { Environment } from '../../components/store-lmdb/environment.ts'
import { OpenStore } from '../../components/store-lmdb/open-store.ts'
import type { StoreUnderTest } from '../contract/store-under-test.ts'
import { RecordingLogger } from './recording-logger.ts'
import { SwappedLmdb } from './swapped-lmdb.ts'

/** `store-lmdb` in a new directory, for the contract suite. @param config besides the path. @param runs of the property test. */
export const lmdbUnderTest = (config: object, runs: number): StoreUnderTest<OpenStore> =>
  underTest(runs, (path) => OpenStore.open(storeLmdbConfig.parse({ path, ...config }), new RecordingLogger()))

/** The same with a store that is swapped again and again. */
export const swappedLmdbUnderTest = (config: object, runs: number): StoreUnderTest<SwappedLmdb> =>
  underTest(runs, (path) => SwappedLmdb.open({ path, ...config }))

const underTest = <S extends SwappedLmdb | OpenStore>(
  runs: number,
  open: (path: string) => Promise<S>,
): StoreUnderTest<S> => {
  const close = async (store: S): Promise<void> => {
    await store.finish(AbortSignal.timeout(30_000))
    await store.environment.close()
  }
  return {
    create: () => open(mkdtempSync(join(tmpdir(), 'store-lmdb-'))),
    reopen: async (store) => {
      await close(store)
      return open(store.environment.path)
    },
    dispose: async (store) => {
      await close(store)
      rmSync(store.environment.path, { recursive: true, force: true })
    },
    press: () => {
      const failing = vi.spyOn(Environment.prototype, 'commit').mockRejectedValue(new Error('Input/output error'))
      return () => failing.mockRestore()
    },
    obstruct: async (store) => {
      await store.flush()
      const failing = failReads(store.environment)
      return () => failing.mockRestore()
    },
    runs,
  }
}

/** LMDB has given the file up. */
export const failReads = ({ database }: Environment): { mockRestore(): void } =>
  vi.spyOn(database, 'get').mockImplementation(() => {
    throw Object.assign(new Error('MDB_PANIC: Update of meta page failed or environment had fatal error'), {
      code: -30_795,
    })
  })
