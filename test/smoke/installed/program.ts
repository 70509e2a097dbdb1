/** A program in TypeScript: the system that `mqtt-jig init` wrote, with the component that README shows. */
import { createSystem, defineSystem } from 'mqtt-jig'
import { heartbeat } from './heartbeat.js'
import system from './system.config.js'

const running = createSystem(
  defineSystem({
    ...system,
    server: { ...system.server, config: { port: 0 } },
    heartbeat: {
      component: heartbeat,
      config: { intervalMs: 10 },
      dependencies: { broker: 'broker', logger: 'logger' },
    },
  }),
)
await running.start()
const { port }: { readonly port: number } = running.map.server
process.stdout.write(`port ${port}, ${running.map.heartbeat.beats} beats\n`)
