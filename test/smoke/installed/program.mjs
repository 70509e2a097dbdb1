/** A program in ECMAScript modules: the system that `mqtt-jig init` wrote, on a free port. */
import { createSystem, defineSystem } from 'mqtt-jig'
import system from './system.config.mjs'

const running = createSystem(
  defineSystem({
    ...system,
    logger: { ...system.logger, config: { level: 'warn' } },
    server: { ...system.server, config: { port: 0 } },
  }),
)
await running.start()
process.stdout.write(`runs: ${running.map.server.port > 0}\n`)
await running.stop()
