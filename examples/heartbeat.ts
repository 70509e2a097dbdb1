/** A component of your own in the system of the package: it publishes the time to a topic at an interval. */
import { Broker, createBroker, defineComponent, defineSystem, kind, z } from 'mqtt-jig'
import system from 'mqtt-jig/system.config'

const Heartbeat = kind<{ readonly beats: number }>()('Heartbeat')

const heartbeat = defineComponent({
  provides: Heartbeat,
  needs: { broker: Broker },
  config: z.strictObject({ topic: z.string().default('heartbeat'), intervalMs: z.int().min(10).default(1000) }),
  start: ({ topic, intervalMs }, { broker }) => {
    const beat = () => {
      instance.beats += 1
      broker.publish({ topic, payload: new Date().toISOString() })
    }
    const instance = { beats: 0, timer: setInterval(beat, intervalMs) }
    return instance
  },
  stop: ({ timer }) => clearInterval(timer),
})

const broker = await createBroker({
  port: 0,
  log: 'warn',
  system: defineSystem({
    ...system,
    heartbeat: { component: heartbeat, config: { intervalMs: 20 }, dependencies: { broker: 'broker' } },
  }),
})
const first = await new Promise<string>((resolve) => {
  broker.subscribe('heartbeat', ({ payload }) => resolve(payload.toString()))
})
console.log(`heartbeat at ${first}, beats: ${broker.system.map.heartbeat.beats}`)
await broker.close()
