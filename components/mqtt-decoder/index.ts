import { z } from 'zod'
import type { Connection } from '../../src/kinds/connection.ts'
import { type DecoderInput, DecoderStage, type PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { MAXIMUM_PACKET_SIZE } from '../../src/mqtt/fixed-header.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { ConnectionDecoder, type DecoderRecord } from './connection-decoder.ts'
import type { PartialMemory, PartialState } from './partial-memory.ts'
import { steadyClock } from './read-publish.ts'
import { SharedDecoding } from './shared-decoding.ts'

/** Bytes from a client to packets, of MQTT 3.1, 3.1.1 and 5.0: frames them, refuses what is illegal, reads the rest. */
export const mqttDecoder = defineComponent({
  provides: DecoderStage,
  needs: {},
  config: z.strictObject({
    maximumPacketSize: z
      .int()
      .min(40)
      .max(MAXIMUM_PACKET_SIZE)
      .default(16 * 1024 ** 2)
      .describe(
        'The largest packet taken, in bytes and with its fixed header. A larger one is refused before its body is read.',
      ),
    maximumConnectPacketSize: z
      .int()
      .min(128)
      .max(MAXIMUM_PACKET_SIZE)
      .default(65_536)
      .describe(
        'The same until a client is accepted, for CONNECT and for AUTH packets before CONNACK: every host that reaches the ' +
          'port can send them. Will, User Name and Password must fit in.',
      ),
    maximumFilters: z
      .int()
      .min(1)
      .max(MAXIMUM_PACKET_SIZE)
      .default(20_000)
      .describe(
        'Topic Filters that a SUBSCRIBE or UNSUBSCRIBE packet may hold. A client that sends more is disconnected (Quota exceeded, ' +
          '0x97); it may send them in several packets.',
      ),
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
  start: (config, _dependencies, { name }) => new MqttDecoder(new SharedDecoding(config, steadyClock, name)),
  adjust({ shared }, config) {
    const { limits } = shared
    return { commit: () => shared.limit(config), undo: () => shared.limit(limits) }
  },
  handover: {
    format: 'mqtt-decoder',
    version: 1,
    prepare: (config, _dependencies, { name }) => new MqttDecoder(new SharedDecoding(config, steadyClock, name)),
    give: ({ partials }): PartialState => partials.handOver(),
    take({ partials }, state: PartialState) {
      partials.continueWith(state)
      // Both refer to the same state, which nothing changes meanwhile.
      return () => undefined
    },
    retire: () => undefined,
    census: ({ partials }) => ({ partialBytes: partials.bytes }),
  },
  measure: ({ partials }) => [
    {
      name: 'partial',
      help: 'Memory of packets that came in part.',
      unit: 'bytes',
      kind: 'gauge',
      read: () => partials.bytes,
    },
    {
      name: 'refused_partial',
      help: 'Packets that came in part and were refused because maximumTotalPartialBytes was reached.',
      unit: 'packets',
      kind: 'counter',
      read: () => partials.refused,
    },
  ],
})

/** The stage of all connections. */
class MqttDecoder implements DecoderStage {
  readonly role = 'decoder'
  readonly format = 'mqtt-decoder'
  readonly shared: SharedDecoding
  readonly partials: PartialMemory

  constructor(shared: SharedDecoding) {
    this.shared = shared
    this.partials = shared.partials
  }

  open(connection: Connection, next: PacketReceiver, handed?: unknown): DecoderInput {
    return new ConnectionDecoder(connection, next, this.shared, handed as DecoderRecord | undefined)
  }
}
