import { z } from 'zod'
import { type DecoderStage, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import { MAXIMUM_PACKET_SIZE } from '../../src/mqtt/fixed-header.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { ConnectionDecoder, SharedDecoding } from './connection-decoder.ts'

/** Bytes from a client to packets, of MQTT 3.1, 3.1.1 and 5.0: frames them, refuses what is illegal, reads the rest. */
export const mqttDecoder = defineComponent({
  provides: PipelineStage,
  needs: {},
  config: z.strictObject({
    /** The largest packet taken, in bytes and with its fixed header. A connection holds at most one such packet. */
    maximumPacketSize: z.number().int().min(128).max(MAXIMUM_PACKET_SIZE).default(1_048_576),
    /** The largest CONNECT packet taken, from whoever can reach the port: will, user name and password must fit in. */
    maximumConnectPacketSize: z.number().int().min(128).max(MAXIMUM_PACKET_SIZE).default(65_536),
    maximumTotalPartialBytes: z
      .int()
      .min(1024)
      .max(1024 ** 4)
      .default(256 * 1024 ** 2)
      .describe(
        'Memory for packets that came in part, of all connections together, in bytes. Beyond it the largest of these packets ' +
          'is refused with Quota exceeded.',
      ),
  }),
  start(config): DecoderStage {
    const shared = new SharedDecoding(config)
    return { role: 'decoder', open: (connection, next) => new ConnectionDecoder(connection, next, shared) }
  },
})
