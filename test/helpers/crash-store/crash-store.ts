import { mkdirSync } from 'node:fs'
import { open } from 'lmdb'
import { z } from 'zod'
import { storeLmdbConfig } from '../../../components/store-lmdb/config.ts'
import { Environment } from '../../../components/store-lmdb/environment.ts'
import { OpenStore } from '../../../components/store-lmdb/open-store.ts'
import { own } from '../../../components/store-lmdb/own.ts'
import { Logger } from '../../../src/kinds/logger.ts'
import { Store } from '../../../src/kinds/store.ts'
import { defineComponent } from '../../../src/system/define-system.ts'

const crashStoreConfig = storeLmdbConfig.extend({
  killAtStep: z.int().min(0).default(0).describe('The process ends itself at this step of the store. 0: never.'),
  syncs: z.boolean().default(true).describe('False for the control of the power cuts: nothing is ever synced.'),
})

/** `store-lmdb` for `npm run crash`: it counts its steps and ends the process at one of them. */
export const crashStore = defineComponent({
  provides: Store,
  needs: { logger: Logger },
  config: crashStoreConfig,
  start: async (config, { logger }, { name }) => {
    const log = logger.child({ component: name })
    const store = config.syncs
      ? await OpenStore.open(config, log)
      : await OpenStore.over(await unsyncedEnvironment(config.path), config, log)
    if (config.killAtStep > 0) killAt(store, config.killAtStep)
    return store
  },
  stop: async (store, { signal }) => {
    try {
      await store.finish(signal)
    } finally {
      await store.environment.close()
    }
  },
})

/** The steps of a store: before and after each commit, before and after its listener is told. */
const killAt = (store: OpenStore, last: number): void => {
  let steps = 0
  const step = (): void => {
    steps += 1
    // The signal ends the process before this call returns.
    if (steps === last) process.kill(process.pid, 'SIGKILL')
  }
  const { environment } = store
  const commit = environment.commit.bind(environment)
  environment.commit = async (operations, options) => {
    step()
    await commit(operations, options)
    step()
  }
  const onDurable = store.onDurable.bind(store)
  store.onDurable = (listener) =>
    onDurable(() => {
      step()
      listener()
      step()
    })
}

const unsyncedEnvironment = async (path: string): Promise<Environment> => {
  mkdirSync(path, { recursive: true })
  const database = open<Buffer, Buffer>({
    ...{ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary', maxDbs: 1, compression: false },
    ...{ overlappingSync: false, eventTurnBatching: false, noMemInit: true, noSync: true },
  })
  const environment = new Environment(path, database)
  await own(environment)
  return environment
}
