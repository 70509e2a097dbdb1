/** A packet from a broker, parsed by mqtt-packet, with its bytes. */

import { type Packet, type PacketCmd, parser } from 'mqtt-packet'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'

export interface ReceivedProperties {
  readonly sessionExpiryInterval?: number
  readonly receiveMaximum?: number
  readonly maximumQoS?: number
  readonly retainAvailable?: boolean
  readonly maximumPacketSize?: number
  readonly assignedClientIdentifier?: string
  readonly topicAliasMaximum?: number
  readonly topicAlias?: number
  readonly reasonString?: string
  readonly userProperties?: Readonly<Record<string, string | string[]>>
  readonly wildcardSubscriptionAvailable?: boolean
  readonly subscriptionIdentifiersAvailable?: boolean
  readonly sharedSubscriptionAvailable?: boolean
  readonly serverKeepAlive?: number
  readonly responseInformation?: string
  readonly serverReference?: string
  readonly authenticationMethod?: string
  readonly authenticationData?: Buffer
  readonly payloadFormatIndicator?: boolean
  readonly messageExpiryInterval?: number
  readonly responseTopic?: string
  readonly correlationData?: Buffer
  readonly subscriptionIdentifier?: number | number[]
  readonly contentType?: string
}

export interface ReceivedPacket {
  readonly cmd: PacketCmd
  /** All bytes of the packet, as hex. */
  readonly hex: string
  /** Their number. */
  readonly size: number
  readonly messageId?: number
  readonly topic?: string
  /** As text. */
  readonly payload?: string
  readonly qos?: number
  readonly retain?: boolean
  readonly dup?: boolean
  readonly reasonCode?: number
  readonly returnCode?: number
  readonly sessionPresent?: boolean
  readonly granted?: readonly number[]
  /** Empty when there are none. */
  readonly properties: ReceivedProperties
}

/** Reads one packet. @throws if a broker may not send it. Every test checks this besides its own subject. */
export const receivedPacket = (bytes: Buffer, version: ProtocolVersion): ReceivedPacket => {
  checkFixedHeader(bytes)
  const mqttParser = parser({ protocolVersion: version })
  let packet: Packet | undefined
  mqttParser.on('packet', (parsed) => {
    packet = parsed
  })
  mqttParser.on('error', (error) => {
    throw new Error(`The broker sent ${bytes.toString('hex')}: ${error.message}`)
  })
  mqttParser.parse(bytes)
  if (packet === undefined) throw new Error(`The broker sent ${bytes.toString('hex')}, which is not a whole packet`)
  const { length: _, ...fields } = packet as Packet & { payload?: Buffer | null; properties?: ReceivedProperties }
  return {
    ...fields,
    ...(Buffer.isBuffer(fields.payload) ? { payload: fields.payload.toString() } : {}),
    hex: bytes.toString('hex'),
    size: bytes.length,
    properties: fields.properties ?? {},
  } as ReceivedPacket
}

/** [MQTT-2.1.3-1], [MQTT-3.3.1-2], [MQTT-3.3.1-4]: flags of every packet that a server may send, by packet type. */
const checkFixedHeader = (bytes: Buffer): void => {
  const type = bytes[0]! >> 4
  const flags = bytes[0]! & 0x0f
  const legal =
    type === 3 ? (flags & 6) !== 6 && (flags & 0x0e) !== 8 : fromServer.has(type) && flags === (type === 6 ? 2 : 0)
  if (!legal) throw new Error(`The broker sent a packet with the first byte 0x${bytes[0]!.toString(16)}`)
}

/** All but CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ. */
const fromServer = new Set([2, 3, 4, 5, 6, 7, 9, 11, 13, 14, 15])
