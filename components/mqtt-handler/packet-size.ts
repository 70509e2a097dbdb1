import { generate } from 'mqtt-packet'
import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import { variableByteIntegerSize } from '../../src/mqtt/variable-byte-integer.ts'
import type { Client } from './client.ts'

/** Why the client is refused or disconnected, for the log. */
export const AUTH_TOO_LARGE = 'AUTH is larger than the Maximum Packet Size of the client'

/** Packet Identifier and Property Length of SUBACK and UNSUBACK without Properties. */
const SUBSCRIPTION_ANSWER_BYTES = 2 + 1

/**
 * Whether the client takes a packet of this size [MQTT-3.1.2-24]. The encoder drops a larger packet, so an answer that the
 * client waits for is checked before the request is carried out. PUBACK, PUBREC, PUBREL, PUBCOMP, PINGRESP and DISCONNECT need
 * no check: without a Reason String they are smaller than any CONNACK with Receive Maximum, which a connected client has taken.
 */
export const takes = ({ connection, isVersion5 }: Client, packet: ControlPacket): boolean =>
  !isVersion5 ||
  connection.maximumPacketSize === Number.POSITIVE_INFINITY ||
  generate(packet, { protocolVersion: 5 }).length <= connection.maximumPacketSize

/** The same for SUBACK or UNSUBACK with a Reason Code for each of so many filters, without a Reason String. */
export const takesSubscriptionAnswer = ({ connection, isVersion5 }: Client, filters: number): boolean => {
  const remainingLength = SUBSCRIPTION_ANSWER_BYTES + filters
  const size = 1 + variableByteIntegerSize(remainingLength) + remainingLength
  return !isVersion5 || size <= connection.maximumPacketSize
}
