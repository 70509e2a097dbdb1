/** The shipped system with its state in memory, whatever the default store is. */

import { memoryStore } from '../../../components/store-memory/index.ts'
import { defineSystem } from '../../../src/system/define-system.ts'
import shipped from '../../../system.config.ts'

export default defineSystem({
  ...shipped,
  store: { component: memoryStore, dependencies: { logger: 'logger' } },
})
