/** Many legal packets: the cost is in their number. */

import { pingreq } from '../../../bench/generator/packets.ts'
import type { Attack } from '../attack.ts'
import { encodePublish, encodeSubscribe } from '../flood-client.ts'

/** About as much as the operating system gives the broker in one turn of its event loop. */
const BLOCK_BYTES = 1024 * 1024

/** The same packets repeated, up to the size of a block. */
const blockOf = (packets: Uint8Array): Buffer =>
  Buffer.concat(Array.from({ length: Math.max(1, Math.floor(BLOCK_BYTES / packets.length)) }, () => packets))

const flooding = (name: string, attackers: number, summary: string, packets: () => Uint8Array): Attack => ({
  name,
  summary,
  attackers,
  spread: true,
  prepare: async (scene) => {
    const clients = await scene.clients()
    const bytes = packets()
    const block = blockOf(bytes)
    return async () => {
      const blocks = await Promise.all(clients.map((client) => client.flood(block, scene.isOver)))
      const sent = blocks.reduce((sum, count) => sum + count, 0) * block.length
      const closed = clients.filter((client) => client.closed).length
      return { 'MiB sent': sent / 1024 ** 2, 'connections closed': closed }
    }
  },
})

/** 100,000 filters in a packet of less than 1 MiB. */
const manyFilters = (): Buffer =>
  encodeSubscribe(Array.from({ length: 100_000 }, (_, index) => `${index}`.padStart(6, '0')))

export const packetFloods: readonly Attack[] = [
  flooding('pingreq', 10, 'N clients send PINGREQ as fast as they can', () => pingreq),
  flooding('subscribe', 5, 'N clients send SUBSCRIBE with one filter as fast as they can', () =>
    encodeSubscribe(['a']),
  ),
  flooding('publish-qos1', 10, 'N clients send PUBLISH at QoS 1 without subscribers as fast as they can', () =>
    encodePublish('a', { qos: 1, id: 1 }),
  ),
  flooding('pubrel', 5, 'N clients send PUBREL for no message as fast as they can', () => Buffer.of(0x62, 2, 0, 1)),
  flooding('subscribe-many', 1, 'N clients send SUBSCRIBE packets with 100,000 filters', manyFilters),
  // Two topics in turn, since packets on one topic are handled together.
  flooding('publish-qos0', 100, 'N clients send PUBLISH at QoS 0 without subscribers as fast as they can', () =>
    Buffer.concat([encodePublish('a'), encodePublish('b')]),
  ),
]
