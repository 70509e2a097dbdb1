import { defineSystem } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import base from '../../system.config.ts'

/** The system of `system.config.ts` for a test: on a port of its own, without a log. */
export const quietSystem = defineSystem({
  ...base,
  logger: { ...base.logger, config: { level: 'silent' } },
  server: { ...base.server, config: { port: 0 } },
})

/** Starts a broker. @param system a variant of `quietSystem`. */
export const startBroker = async (system: typeof quietSystem = quietSystem) => {
  const broker = createSystem(system)
  await broker.start()
  return { port: broker.map.server.port, map: broker.map, stop: () => broker.stop() }
}

export type Broker = Awaited<ReturnType<typeof startBroker>>
