import { defineSystem } from '../../../src/system/define-system.ts'
import { log, server } from './parts.ts'

// biome-ignore lint/style/noDefaultExport: that is what a system config is
export default defineSystem({
  server: { component: server, dependencies: { log: 'log' } },
  log: { component: log },
})
