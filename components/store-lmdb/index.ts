import { resolve } from 'node:path'
import { Logger } from '../../src/kinds/logger.ts'
import { Store } from '../../src/kinds/store.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { storeLmdbConfig } from './config.ts'
import { handOver, takeOver } from './handover.ts'
import { measuresOf } from './measures.ts'
import { OpenStore, type OpenStoreState } from './open-store.ts'

/** Keeps sessions, queued and retained messages in a file, and acknowledgements wait until they are on the disk. */
export const lmdbStore = defineComponent({
  provides: Store,
  needs: { logger: Logger },
  config: storeLmdbConfig,
  describe: ({ path, durability }) => (durability === 'commit' ? path : `${path}, ${durability}`),
  start: (config, { logger }, { name }) => OpenStore.open(config, logger.child({ component: name })),
  exclusive: ({ path }) => [`directory:${resolve(path)}`],
  fixed: ({ path }) => [resolve(path)],
  adjust: (instance, config, { logger }, { name }) => instance.adjust(config, logger.child({ component: name })),
  handover: {
    format: 'mqtt-jig store-lmdb',
    // Counted up when the records that cross change, or the methods that a predecessor and its successor call of each other: those of
    // `Charge` and of the batches that wait.
    version: 2,
    prepare: (config, { logger }, { name }) => OpenStore.passive(config, logger.child({ component: name })),
    give: (instance) => instance.give(),
    take: (instance, state) => instance.take(state as OpenStoreState),
    // The successor has the file, the timers and what is written now.
    retire: () => {},
    census: ({ counts: { sessions, queued } }) => ({ sessions, queued }),
  },
  measure: measuresOf,
  stop: async (instance, { signal }) => {
    try {
      await instance.finish(signal)
    } finally {
      await instance.environment.close()
    }
  },
  suspend: async (instance, { signal }) => {
    await instance.finish(signal)
    return handOver(instance.environment)
  },
  resume: async (config, { logger }, suspended, { name }) => {
    const log = logger.child({ component: name })
    const environment = takeOver(suspended)
    if (environment === undefined) return OpenStore.open(config, log)
    if (resolve(environment.path) === resolve(config.path)) return OpenStore.over(environment, config, log)
    await environment.close()
    return OpenStore.open(config, log)
  },
})
