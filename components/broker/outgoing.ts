import type { QoS } from 'mqtt-packet'
import type { QueuedMessage } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'

/** The memory of one message beside its bytes, here and in the store, in bytes; measured. */
export const OVERHEAD_BYTES = 450

/** The memory of a message between PUBREC and PUBCOMP, here and in the store, in bytes; measured. */
export const RELEASE_BYTES = 350

/** A message at QoS 1 or 2 on its way to one client, until the client has acknowledged it. */
export class Outgoing {
  /** Its place in the order of the session, from 1. */
  readonly sequence: number
  /** Undefined once it is sent and will never be sent again: PUBREC came, or its session ends with the connection. */
  message: Message | undefined
  readonly qos: QoS
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** The filter of the Shared Subscription through which it came. */
  readonly shared: string | undefined
  readonly queuedAtMs: number
  /** Its size towards the bounds of queues, in bytes. */
  size: number
  /** 0 until it is sent. */
  packetIdentifier = 0
  /** QoS 2: its place in the order of the session's PUBREC packets; 0 until PUBREC came. */
  pubrecOrder = 0
  /** Bytes that it adds to `Gauges.queuedBytes` while it is in flight. */
  inflightBytes = 0
  /** It has a Packet Identifier, and is yet to be sent for the first time. */
  unsent = false
  /** Sent as PUBLISH over the present connection and counted against its Receive Maximum. */
  counted = false

  constructor(fields: Omit<QueuedMessage, 'packetIdentifier' | 'pubrecOrder'>) {
    this.sequence = fields.sequence
    this.message = fields.message
    this.qos = fields.qos
    this.retain = fields.retain
    this.subscriptionIdentifiers = fields.subscriptionIdentifiers
    this.shared = fields.shared
    this.queuedAtMs = fields.queuedAtMs
    this.size = fields.message.size
  }

  /** A message in flight of which nothing is kept, since it is never sent again. One object stands for all of them. */
  static unkept(qos: QoS): Outgoing {
    return qos === 1 ? UNKEPT_QOS1 : UNKEPT_QOS2
  }

  /** The same with an object of its own, where the bytes in flight are limited. */
  static unkeptOfSize(qos: QoS, size: number): Outgoing {
    const outgoing = unkept(qos, 0)
    outgoing.size = size
    return outgoing
  }

  /** The same when PUBREC came. */
  static get unkeptReceived(): Outgoing {
    return UNKEPT_RECEIVED
  }

  /** One object of each kind that stands for many, in a fixed order. */
  static get shared(): readonly Outgoing[] {
    return [UNKEPT_QOS1, UNKEPT_QOS2, UNKEPT_RECEIVED]
  }

  /**
   * The same message of an earlier generation of the code, at a reset.
   * @param shared `Outgoing.shared` of that generation.
   */
  static continued(before: Outgoing, shared: readonly Outgoing[]): Outgoing {
    const index = shared.indexOf(before)
    if (index !== -1) return Outgoing.shared[index]!
    const outgoing = new Outgoing({ ...before, message: before.message ?? new Message() })
    return Object.assign(outgoing, before)
  }

  static restored(queued: QueuedMessage): Outgoing {
    const outgoing = new Outgoing(queued)
    outgoing.packetIdentifier = queued.packetIdentifier
    outgoing.pubrecOrder = queued.pubrecOrder
    if (outgoing.received) outgoing.message = undefined
    return outgoing
  }

  /** QoS 2: PUBREC has arrived, and PUBREL is sent to the client. */
  get received(): boolean {
    return this.pubrecOrder > 0
  }

  /**
   * Whether another member of its Shared Subscription may get it although it is in flight. A client may send PUBREC for what it was not
   * sent yet: it counts as received, and its content is gone.
   */
  get mayMove(): boolean {
    return this.shared !== undefined && !this.received && (this.qos === 1 || this.unsent)
  }

  /** What it costs to keep while it is in flight, in bytes. */
  get inflightCost(): number {
    return this.received ? RELEASE_BYTES : this.size + OVERHEAD_BYTES
  }

  /** The record for the store. @param message kept. */
  record(message: Message): QueuedMessage {
    const { sequence, qos, retain, subscriptionIdentifiers, shared, queuedAtMs, packetIdentifier, pubrecOrder } = this
    return {
      sequence,
      message,
      qos,
      retain,
      subscriptionIdentifiers,
      shared,
      queuedAtMs,
      packetIdentifier,
      pubrecOrder,
    }
  }
}

const unkept = (qos: QoS, pubrecOrder: number): Outgoing => {
  const outgoing = new Outgoing({
    ...{ sequence: 0, message: new Message(), qos, retain: false, subscriptionIdentifiers: [] },
    ...{ shared: undefined, queuedAtMs: 0 },
  })
  outgoing.message = undefined
  outgoing.pubrecOrder = pubrecOrder
  outgoing.counted = true
  return outgoing
}
const UNKEPT_QOS1 = unkept(1, 0)
const UNKEPT_QOS2 = unkept(2, 0)
const UNKEPT_RECEIVED = unkept(2, 1)
