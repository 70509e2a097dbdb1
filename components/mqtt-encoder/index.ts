import { z } from 'zod'
import { type EncoderStage, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { PacketEncoder } from './packet-encoder.ts'

/** Packets to the bytes that a client gets, in the form of the version it connected with. */
export const mqttEncoder = defineComponent({
  provides: PipelineStage,
  needs: {},
  config: z.strictObject({}),
  start(): EncoderStage {
    const encoder = new PacketEncoder()
    return {
      role: 'encoder',
      open: (connection, next) => ({
        packet(packet) {
          // Before a CONNECT packet was understood there is no version; what is said then is said in the form of 3.1.1.
          next.bytes(encoder.encode(packet, connection.protocolVersion || 4))
        },
      }),
    }
  },
})
