import type { QoS } from 'mqtt-packet'
import type { QueuedMessage } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'

/** What one message costs beside its bytes, here and in the store, in bytes; measured. */
export const OVERHEAD_BYTES = 450

/** A message at QoS 1 or 2 on its way to one client, until the client has acknowledged it. */
export class Outgoing {
  /** Its place in the order of the session, from 1. */
  readonly sequence: number
  /**
   * Undefined once it is sent and will never be sent again: PUBREC came, or its session ends with the connection. In flight,
   * it counts towards `Totals.queuedBytes` while this is there.
   */
  message: Message | undefined
  readonly qos: QoS
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** The filter of the Shared Subscription through which it came. */
  readonly shared: string | undefined
  readonly queuedAtMs: number
  /** Its size towards the bounds of queues, in bytes. */
  readonly size: number
  /** 0 until it is sent. */
  packetIdentifier = 0
  /** QoS 2: PUBREC came, PUBREL is what it is sent. */
  received = false
  /** It has a Packet Identifier, and is yet to be sent for the first time. */
  unsent = false
  /** Sent as PUBLISH over the present connection and counted against its Receive Maximum. */
  counted = false

  constructor(fields: Omit<QueuedMessage, 'packetIdentifier' | 'received'>) {
    this.sequence = fields.sequence
    this.message = fields.message
    this.qos = fields.qos
    this.retain = fields.retain
    this.subscriptionIdentifiers = fields.subscriptionIdentifiers
    this.shared = fields.shared
    this.queuedAtMs = fields.queuedAtMs
    this.size = fields.message.size
  }

  static restored(queued: QueuedMessage): Outgoing {
    const outgoing = new Outgoing(queued)
    outgoing.packetIdentifier = queued.packetIdentifier
    outgoing.received = queued.received
    if (queued.received) outgoing.message = undefined
    return outgoing
  }

  /** What it costs to keep, in bytes. */
  get cost(): number {
    return this.size + OVERHEAD_BYTES
  }

  /** As the store takes it. @param message kept. */
  record(message: Message): QueuedMessage {
    const { sequence, qos, retain, subscriptionIdentifiers, shared, queuedAtMs, packetIdentifier, received } = this
    return { sequence, message, qos, retain, subscriptionIdentifiers, shared, queuedAtMs, packetIdentifier, received }
  }
}
