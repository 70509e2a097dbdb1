import { z } from 'zod'
import { Broker } from '../../src/kinds/broker.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { kind } from '../../src/system/kind.ts'

export interface Heartbeat {
  readonly beats: number
}

export const Heartbeat = kind<Heartbeat>()('Heartbeat')

/** Publishes the time to a topic at an interval. */
export const heartbeat = defineComponent({
  provides: Heartbeat,
  needs: { broker: Broker, logger: Logger },
  config: z.strictObject({
    topic: z.string().default('heartbeat'),
    intervalMs: z.int().min(10).max(3_600_000).default(1000),
  }),
  start: ({ topic, intervalMs }, { broker, logger }) => {
    const beat = () => {
      instance.beats++
      broker.publish({ topic, payload: new Date().toISOString() })
      logger.debug({ topic, beats: instance.beats }, 'Beat')
    }
    const instance = { beats: 0, timer: setInterval(beat, intervalMs) }
    return instance
  },
  stop: ({ timer }) => clearInterval(timer),
})
