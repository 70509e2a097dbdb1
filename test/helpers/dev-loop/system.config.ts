import { defineSystem } from '../../../src/system/define-system.ts'
import { log, server } from './parts.ts'

export default defineSystem({
  server: { component: server, dependencies: { log: 'log' } },
  log: { component: log },
})
