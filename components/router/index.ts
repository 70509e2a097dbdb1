import { z } from 'zod'
import { Router } from '../../src/kinds/router.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { LocalRouter } from './local-router.ts'

/** Decides who receives a message, among the subscribers of this process. */
export const router = defineComponent({
  provides: Router,
  needs: {},
  config: z.strictObject({}),
  start: () => new LocalRouter(),
})
