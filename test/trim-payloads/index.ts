import { z } from 'zod'
import { type FilterStage, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'

/** Removes the white space that serial gateways leave at the end of payloads. */
export const trimPayloads = defineComponent({
  provides: PipelineStage,
  needs: {},
  config: z.strictObject({}),
  start: (): FilterStage => ({
    role: 'filter',
    open: (_connection, next) => ({
      packet: (packet) => next.packet(packet),
      publish: (publish) => {
        const payload = publish.message.payload.toString().trimEnd()
        next.publish(publish.with({ payload }))
      },
    }),
  }),
})
