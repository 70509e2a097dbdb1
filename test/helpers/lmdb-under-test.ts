import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { storeLmdbConfig } from '../../components/store-lmdb/config.ts'
import { OpenStore } from '../../components/store-lmdb/open-store.ts'
import type { StoreUnderTest } from '../contract/store-under-test.ts'
import { RecordingLogger } from './recording-logger.ts'

/** `store-lmdb` in a new directory, for the contract suite. @param config besides the path. @param runs of the property test. */
export const lmdbUnderTest = (config: object, runs: number): StoreUnderTest<OpenStore> => {
  const open = (path: string) => OpenStore.open(storeLmdbConfig.parse({ path, ...config }), new RecordingLogger())
  const close = async (store: OpenStore): Promise<void> => {
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
    press: (store) => {
      const failing = vi.spyOn(store.environment, 'commit').mockRejectedValue(new Error('Input/output error'))
      return () => failing.mockRestore()
    },
    runs,
  }
}
