import { createSystem, defineSystem } from 'mqtt-jig'
import { logger } from 'mqtt-jig/components/logger'
import { storeContract } from 'mqtt-jig/testing/contracts'
import { sessionAudit } from './session-audit.ts'

const config = defineSystem({
  logger: { component: logger, config: { level: 'silent' } },
  store: { component: sessionAudit, dependencies: { logger: 'logger' } },
})
let system = createSystem(config)

storeContract('sessionAudit', {
  create: async () => {
    system = createSystem(config)
    await system.start()
    return system.map.store
  },
  dispose: () => system.stop(),
  // Left out: `reopen`, since nothing of the memory store outlives it.
})
