/** The shipped system with a store that `npm run crash` can end at each of its steps. */

import { defineSystem } from '../../../src/system/define-system.ts'
import shipped from '../../../system.config.ts'
import { crashStore } from './crash-store.ts'

export default defineSystem({
  ...shipped,
  store: { component: crashStore, dependencies: { logger: 'logger' } },
})
