/**
 * The system of the package with its state in memory: it ends with the process. `createBroker` takes the store of this one unless it
 * is told where to keep the state.
 */

import { memoryStore } from './components/store-memory/index.ts'
import { defineSystem } from './src/system/define-system.ts'
import shipped from './system.config.ts'

export default defineSystem({ ...shipped, store: { component: memoryStore } })
