/** The bytes of the packets that a client sends. */

import type { QoS } from 'mqtt-packet'
import { encodeField, encodeProperties, encodeVariableByteInteger } from '../mqtt/encode-properties.ts'
import { DUP_FLAG, MAXIMUM_REMAINING_LENGTH, RETAIN_FLAG } from '../mqtt/fixed-header.ts'
import { PacketType } from '../mqtt/packet-type.ts'
import type { ProtocolVersion } from '../mqtt/protocol-version.ts'
import type { PropertiesObject } from '../mqtt/read-properties.ts'
import { ClientError } from './client-error.ts'

export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties?: PropertiesObject
}

export interface ConnectFields {
  readonly protocolVersion: ProtocolVersion
  readonly clientId: string
  readonly cleanStart: boolean
  /** 0 is none. */
  readonly keepAliveSeconds: number
  readonly userName?: string | undefined
  readonly password?: Uint8Array | undefined
  readonly will?: Will | undefined
  readonly properties?: PropertiesObject | undefined
}

/** @throws RangeError when a field is too long. */
export const encodeConnect = (fields: ConnectFields): Buffer => {
  const { protocolVersion, will, userName, password } = fields
  const isVersion5 = protocolVersion === 5
  const flags =
    (fields.cleanStart ? 0b10 : 0) |
    (will === undefined ? 0 : 0b100 | (will.qos << 3) | (will.retain ? 0b10_0000 : 0)) |
    (password === undefined ? 0 : 0b100_0000) |
    (userName === undefined ? 0 : 0b1000_0000)
  return packet(PacketType.Connect << 4, [
    encodeField(protocolVersion === 3 ? 'MQIsdp' : 'MQTT', 'Protocol Name'),
    Buffer.of(protocolVersion, flags, fields.keepAliveSeconds >> 8, fields.keepAliveSeconds & 0xff),
    ...(isVersion5 ? [encodeProperties(fields.properties)] : []),
    encodeField(fields.clientId, 'Client Identifier'),
    ...(will === undefined
      ? []
      : [
          ...(isVersion5 ? [encodeProperties(will.properties)] : []),
          encodeField(will.topic, 'Will Topic'),
          encodeField(will.payload, 'Will Payload'),
        ]),
    ...(userName === undefined ? [] : [encodeField(userName, 'User Name')]),
    ...(password === undefined ? [] : [encodeField(password, 'Password')]),
  ])
}

export interface PublishFields {
  readonly topic: string
  readonly payloadLength: number
  readonly qos: QoS
  readonly retain: boolean
  readonly properties?: PropertiesObject | undefined
}

/**
 * A PUBLISH packet up to its payload.
 * @throws ClientError with the code TOO_LARGE when MQTT has no packet that large. @throws RangeError when a field is too long.
 */
export const encodePublishHeader = (
  { topic, payloadLength, qos, retain, properties }: PublishFields,
  packetIdentifier: number,
  dup: boolean,
  version: ProtocolVersion,
): Buffer => {
  const fields = [
    encodeField(topic, 'Topic Name'),
    ...(qos > 0 ? [twoBytes(packetIdentifier)] : []),
    ...(version === 5 ? [encodeProperties(properties)] : []),
  ]
  const remainingLength = lengthOf(fields) + payloadLength
  if (remainingLength > MAXIMUM_REMAINING_LENGTH) {
    const message = `The payload has ${payloadLength} bytes. MQTT allows about ${MAXIMUM_REMAINING_LENGTH} (256 MiB).`
    throw new ClientError('TOO_LARGE', message)
  }
  const firstByte = (PacketType.Publish << 4) | (dup ? DUP_FLAG : 0) | (qos << 1) | (retain ? RETAIN_FLAG : 0)
  return Buffer.concat([Buffer.of(firstByte), encodeVariableByteInteger(remainingLength), ...fields])
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP. */
export const encodeAcknowledgement = (
  type: PacketType,
  packetIdentifier: number,
  version: ProtocolVersion,
  reasonCode = 0,
): Buffer =>
  packet((type << 4) | (type === PacketType.Pubrel ? 0b10 : 0), [
    twoBytes(packetIdentifier),
    ...(version === 5 && reasonCode !== 0 ? [Buffer.of(reasonCode)] : []),
  ])

export interface SubscriptionRequest {
  readonly filter: string
  readonly qos: QoS
  readonly noLocal?: boolean
  readonly retainAsPublished?: boolean
  /** 0 sends retained messages, 1 only for a new subscription, 2 never. */
  readonly retainHandling?: 0 | 1 | 2
}

export const encodeSubscribe = (
  subscriptions: readonly SubscriptionRequest[],
  packetIdentifier: number,
  version: ProtocolVersion,
  properties?: PropertiesObject,
): Buffer =>
  packet((PacketType.Subscribe << 4) | 0b10, [
    twoBytes(packetIdentifier),
    ...(version === 5 ? [encodeProperties(properties)] : []),
    ...subscriptions.flatMap(({ filter, qos, noLocal, retainAsPublished, retainHandling = 0 }) => [
      encodeField(filter, 'Topic Filter'),
      Buffer.of(
        version === 5
          ? qos | (noLocal === true ? 0b100 : 0) | (retainAsPublished === true ? 0b1000 : 0) | (retainHandling << 4)
          : qos,
      ),
    ]),
  ])

/** DISCONNECT, which has no fields before MQTT 5.0. */
export const encodeDisconnect = (version: ProtocolVersion, reasonCode = 0, properties?: PropertiesObject): Buffer =>
  packet(
    PacketType.Disconnect << 4,
    version !== 5 || (reasonCode === 0 && properties === undefined)
      ? []
      : [Buffer.of(reasonCode), encodeProperties(properties)],
  )

export const encodePingreq = (): Buffer => Buffer.of(PacketType.Pingreq << 4, 0)

const packet = (firstByte: number, fields: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(firstByte), encodeVariableByteInteger(lengthOf(fields)), ...fields])

const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, { length }) => sum + length, 0)

const twoBytes = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff)
