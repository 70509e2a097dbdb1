import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeContract } from '../../test/contract/store.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { storeLmdbConfig } from './config.ts'
import { OpenStore } from './open-store.ts'

const open = (path: string, config: object = {}) =>
  OpenStore.open(storeLmdbConfig.parse({ path, ...config }), new RecordingLogger())

const close = async (store: OpenStore) => {
  await store.finish(AbortSignal.timeout(10_000))
  await store.environment.close()
}

storeContract<OpenStore>('store-lmdb', {
  create: () => open(mkdtempSync(join(tmpdir(), 'store-lmdb-'))),
  reopen: async (store) => {
    const { path } = store.environment
    await close(store)
    return open(path)
  },
  dispose: async (store) => {
    await close(store)
    rmSync(store.environment.path, { recursive: true, force: true })
  },
  runs: 60,
})
