import { z } from 'zod'
import { Logger } from '../../src/kinds/logger.ts'
import { FilterStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { PacketLog } from './packet-log.ts'

/** Logs the packets that pass the place in the pipeline where it is listed. */
export const packetLog = defineComponent({
  provides: FilterStage,
  needs: { logger: Logger },
  config: z.strictObject({
    level: z.enum(['debug', 'info']).default('info').describe('The log level of its lines.'),
  }),
  start: ({ level }, { logger }, { name }) => new PacketLog(logger.child({ component: name }), level),
  adjust(stage, { level }, { logger }, { name }) {
    const before = stage.target
    const target = { log: logger.child({ component: name }), level }
    const use = (used: typeof target) => {
      stage.target = used
    }
    return { commit: () => use(target), undo: () => use(before) }
  },
  // Its part of a connection is opened anew: it lives from single packets.
  handover: {
    format: 'packet-log',
    version: 1,
    prepare: ({ level }, { logger }, { name }) => new PacketLog(logger.child({ component: name }), level),
    give: () => undefined,
    take: () => () => undefined,
    retire: () => undefined,
  },
})
