import base from '../../memory.config.ts'
import { defineSystem, type SystemMap } from '../../src/system/define-system.ts'
import { createSystem, type SystemOptions } from '../../src/system/lifecycle.ts'
import { splitConfig } from './split-config.ts'

/**
 * The system of `system.config.ts` for a test: on a free port, with its state in memory, without a log. It allows so few connections that any machine has
 * enough open files for them, and no warning is logged.
 */
export const quietSystem = defineSystem({
  ...base,
  logger: { ...base.logger, config: { level: 'silent' } },
  server: { ...base.server, config: { port: 0, maximumConnections: 3_000, drainMs: 0 } },
  // Tests count what is published and kept.
  sysTopics: { ...base.sysTopics, enabled: false },
})

/**
 * The entries of the broker and of the handler with other values.
 * @param config values of both. @param system whose entries they are.
 */
export const withConfig = (config: object = {}, system = quietSystem) => {
  const { brokerPart, handlerPart } = splitConfig(config)
  return {
    broker: { ...system.broker, config: brokerPart },
    mqttHandler: { ...system.mqttHandler, config: handlerPart },
  }
}

/** Starts a broker. @param config a variant of `quietSystem`, with the same names and kinds. */
export const startBroker = async (config: object = quietSystem, options: SystemOptions = {}) => {
  const broker = createSystem(config, options)
  await broker.start()
  const map = broker.map as SystemMap<typeof quietSystem>
  return { port: map.server.port, map, system: broker, stop: () => broker.stop() }
}

export type Broker = Awaited<ReturnType<typeof startBroker>>
