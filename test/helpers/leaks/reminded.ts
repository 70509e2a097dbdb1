/** A component of a file of its own, whose code others call. */

import { z } from 'zod'
import { defineComponent } from '../../../src/system/define-system.ts'
import { type Leaving, LeavingKind } from './leaving.ts'

export const reminded = defineComponent({
  provides: LeavingKind,
  needs: {},
  config: z.strictObject({ value: z.number().default(0) }),
  start: (_config, _dependencies, { name }): Leaving => ({
    name,
    releases: [],
    server: undefined,
    remind() {
      const timer = setTimeout(() => {}, 60_000)
      this.releases.push(() => clearTimeout(timer))
    },
  }),
  stop: () => {},
})
