/**
 * What packets cost: reading, handling and answering them, without what they cause for other clients. In units of about
 * 0.2 µs, as in `Connection.chargePacket`; measured roughly, and rounded up.
 */

import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import type { Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'

/** PINGREQ, acknowledgements for which nothing is sent, and what ends the connection. */
const SMALL_PACKET = 2
/** Its PUBCOMP may wait for the store. */
const PUBREL = 3
/** The connection, its session and the line in the log. */
const CONNECT = 500
/** A step of an authentication method: some hashes. */
const AUTH = 100
/** Without the filters, which `FilterWork` charges: the packet is an object, and its answer waits for the store. */
const SUBSCRIBE = 20
const UNSUBSCRIBE = 10
/** By QoS: read, authorized and routed, and with its answer and what is kept of its Packet Identifier. */
const PUBLISH = [2, 4, 6] as const
/** A retained message is copied and put into the tree of its topic. */
const RETAIN = 40

/** Each message of a run costs an eighth of a unit: it is only compared with the first one. At QoS 1 each has its answer. */
export const runWork = ({ count, message }: PublishRun): number => 1 + (message.qos === 0 ? count >> 3 : count)

/** The work of a packet other than PUBLISH. */
export const packetWork = (packet: ControlPacket): number => {
  switch (packet.cmd) {
    case 'pubrel':
      return PUBREL
    case 'subscribe':
      return SUBSCRIBE
    case 'unsubscribe':
      return UNSUBSCRIBE
    case 'connect':
      return CONNECT
    case 'auth':
      return AUTH
    default:
      return SMALL_PACKET
  }
}

/** The type of a packet. */
export const packetTypeOf = ({ cmd }: ControlPacket): PacketType => TYPES[cmd]

const TYPES: Readonly<Record<ControlPacket['cmd'], PacketType>> = {
  connect: PacketType.Connect,
  connack: PacketType.Connack,
  puback: PacketType.Puback,
  pubrec: PacketType.Pubrec,
  pubrel: PacketType.Pubrel,
  pubcomp: PacketType.Pubcomp,
  subscribe: PacketType.Subscribe,
  suback: PacketType.Suback,
  unsubscribe: PacketType.Unsubscribe,
  unsuback: PacketType.Unsuback,
  pingreq: PacketType.Pingreq,
  pingresp: PacketType.Pingresp,
  disconnect: PacketType.Disconnect,
  auth: PacketType.Auth,
}

/** The work of an acknowledgement that says Success. */
export const acknowledgementWork = (type: Acknowledgement): number =>
  type === PacketType.Pubrel ? PUBREL : SMALL_PACKET

/** The work of a PUBLISH packet that is handled by itself. */
export const publishWork = ({ qos, retain }: Publish): number => PUBLISH[qos] + (retain ? RETAIN : 0)
