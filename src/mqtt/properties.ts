/** Properties of MQTT 5.0 (section 2.2.2): the specification's table, and the check of a packet against it. */

import { OVERLONG, type PacketReader, TRUNCATED } from './packet-reader.ts'
import { PacketType, packetTypeName } from './packet-type.ts'
import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { malformedPacket, protocolError, refusal, truncated } from './refusal.ts'
import { checkTopicName } from './topic-name.ts'

/** Stands for the Will Properties beside the packet types; no packet has type 0. */
export const WILL_PROPERTIES = 0

/** Property Identifiers of the properties that a server puts into PUBLISH packets itself. */
export const PropertyIdentifier = {
  MessageExpiryInterval: 0x02,
  SubscriptionIdentifier: 0x0b,
  TopicAlias: 0x23,
} as const

/** Where Properties may stand: a packet type, or the will within a CONNECT packet. */
export type PropertyOwner = PacketType | typeof WILL_PROPERTIES

export type PropertyType =
  /** Every property of one byte in the specification has the value 0 or 1. */
  'byte' | 'twoByteInteger' | 'fourByteInteger' | 'variableByteInteger' | 'string' | 'stringPair' | 'binary'

/** A row of the table. */
export interface Property {
  readonly identifier: number
  /** The specification's name, for messages. */
  readonly name: string
  /** Its name in packets of mqtt-packet. */
  readonly key: string
  readonly type: PropertyType
  /** One bit for each owner, by its number. */
  readonly owners: number
  /** The smallest legal value of a number. */
  readonly minimum: 0 | 1
  /** This property's bit in `PacketReader.presentProperties`. */
  readonly bit: number
}

const { Connect, Connack, Publish, Puback, Pubrec, Pubrel, Pubcomp } = PacketType
const { Subscribe, Suback, Unsubscribe, Unsuback, Disconnect, Auth } = PacketType
const Will = WILL_PROPERTIES
const ACKNOWLEDGEMENTS = [Puback, Pubrec, Pubrel, Pubcomp, Suback, Unsuback]

type Row = readonly [
  identifier: number,
  name: string,
  key: string,
  type: PropertyType,
  owners: readonly PropertyOwner[],
  minimum?: 1,
]

/** Table 2-4 of the specification. */
const ROWS: readonly Row[] = [
  [0x01, 'Payload Format Indicator', 'payloadFormatIndicator', 'byte', [Publish, Will]],
  [0x02, 'Message Expiry Interval', 'messageExpiryInterval', 'fourByteInteger', [Publish, Will]],
  [0x03, 'Content Type', 'contentType', 'string', [Publish, Will]],
  [0x08, 'Response Topic', 'responseTopic', 'string', [Publish, Will]],
  [0x09, 'Correlation Data', 'correlationData', 'binary', [Publish, Will]],
  [0x0b, 'Subscription Identifier', 'subscriptionIdentifier', 'variableByteInteger', [Publish, Subscribe], 1],
  [0x11, 'Session Expiry Interval', 'sessionExpiryInterval', 'fourByteInteger', [Connect, Connack, Disconnect]],
  [0x12, 'Assigned Client Identifier', 'assignedClientIdentifier', 'string', [Connack]],
  [0x13, 'Server Keep Alive', 'serverKeepAlive', 'twoByteInteger', [Connack]],
  [0x15, 'Authentication Method', 'authenticationMethod', 'string', [Connect, Connack, Auth]],
  [0x16, 'Authentication Data', 'authenticationData', 'binary', [Connect, Connack, Auth]],
  [0x17, 'Request Problem Information', 'requestProblemInformation', 'byte', [Connect]],
  [0x18, 'Will Delay Interval', 'willDelayInterval', 'fourByteInteger', [Will]],
  [0x19, 'Request Response Information', 'requestResponseInformation', 'byte', [Connect]],
  [0x1a, 'Response Information', 'responseInformation', 'string', [Connack]],
  [0x1c, 'Server Reference', 'serverReference', 'string', [Connack, Disconnect]],
  [0x1f, 'Reason String', 'reasonString', 'string', [Connack, ...ACKNOWLEDGEMENTS, Disconnect, Auth]],
  [0x21, 'Receive Maximum', 'receiveMaximum', 'twoByteInteger', [Connect, Connack], 1],
  [0x22, 'Topic Alias Maximum', 'topicAliasMaximum', 'twoByteInteger', [Connect, Connack]],
  [0x23, 'Topic Alias', 'topicAlias', 'twoByteInteger', [Publish], 1],
  [0x24, 'Maximum QoS', 'maximumQoS', 'byte', [Connack]],
  [0x25, 'Retain Available', 'retainAvailable', 'byte', [Connack]],
  [
    0x26,
    'User Property',
    'userProperties',
    'stringPair',
    [Connect, Connack, Publish, Will, ...ACKNOWLEDGEMENTS, Subscribe, Unsubscribe, Disconnect, Auth],
  ],
  [0x27, 'Maximum Packet Size', 'maximumPacketSize', 'fourByteInteger', [Connect, Connack], 1],
  [0x28, 'Wildcard Subscription Available', 'wildcardSubscriptionAvailable', 'byte', [Connack]],
  [0x29, 'Subscription Identifier Available', 'subscriptionIdentifiersAvailable', 'byte', [Connack]],
  [0x2a, 'Shared Subscription Available', 'sharedSubscriptionAvailable', 'byte', [Connack]],
]

/** The table by Property Identifier, with gaps. */
export const PROPERTIES: readonly (Property | undefined)[] = indexed(ROWS)

const bitOf = (name: string): number => PROPERTIES.find((property) => property?.name === name)!.bit
const USER_PROPERTY = bitOf('User Property')
const SUBSCRIPTION_IDENTIFIER = bitOf('Subscription Identifier')
const PAYLOAD_FORMAT_INDICATOR = bitOf('Payload Format Indicator')
const MESSAGE_EXPIRY_INTERVAL = bitOf('Message Expiry Interval')
const WILL_DELAY_INTERVAL = bitOf('Will Delay Interval')
const MAXIMUM_PACKET_SIZE = bitOf('Maximum Packet Size')
const AUTHENTICATION_DATA = bitOf('Authentication Data')
const RESPONSE_TOPIC = bitOf('Response Topic')
/** The bit in `presentProperties` of a PUBLISH packet whose Topic Name may be empty. */
export const TOPIC_ALIAS = bitOf('Topic Alias')
/** The bit in `presentProperties` of every packet of enhanced authentication. */
export const AUTHENTICATION_METHOD = bitOf('Authentication Method')

/**
 * Passes over the Properties of a packet from a client, Property Length included, and checks them. Leaves the reader behind
 * them, with its fields about the last Properties set. @returns what is wrong, or undefined.
 */
export const checkProperties = (reader: PacketReader, owner: PropertyOwner): ProtocolError | undefined => {
  const length = reader.variableByteInteger()
  reader.openProperties(reader.position, reader.position + length)
  if (length === 0) return undefined
  if (length === OVERLONG) return malformedPacket('The Property Length is encoded too long.', 'MQTT-1.5.5-1')
  const packetEnd = reader.end
  if (length === TRUNCATED || reader.position + length > packetEnd) return truncated('Properties')
  reader.end = reader.position + length
  while (!reader.atEnd) {
    const error = checkProperty(reader, owner)
    if (error !== undefined) return error
  }
  reader.end = packetEnd
  if ((reader.presentProperties & (AUTHENTICATION_DATA | AUTHENTICATION_METHOD)) === AUTHENTICATION_DATA) {
    return protocolError('Authentication Data comes without an Authentication Method.')
  }
  return undefined
}

const checkProperty = (reader: PacketReader, owner: PropertyOwner): ProtocolError | undefined => {
  // The identifier is a Variable Byte Integer. All identifiers of the specification fit into one byte.
  const property = PROPERTIES[reader.byte()]
  if (property === undefined) return malformedPacket('A Property Identifier is unknown.')
  if ((property.owners & (1 << owner)) === 0) {
    const place = owner === WILL_PROPERTIES ? 'a will' : packetTypeName(owner)
    return malformedPacket(`${property.name} may not stand in ${place}.`)
  }
  if (property.bit === SUBSCRIPTION_IDENTIFIER && owner === Publish) {
    if (reader.fromServer) return checkValue(reader, property) // One for each matching subscription [MQTT-3.3.4-3].
    return protocolError('A client sent a PUBLISH packet with a Subscription Identifier.', 'MQTT-3.3.4-6')
  }
  if ((reader.presentProperties & property.bit) !== 0 && property.bit !== USER_PROPERTY) {
    return protocolError(`${property.name} is there twice.`)
  }
  reader.presentProperties |= property.bit
  return checkValue(reader, property)
}

const checkValue = (reader: PacketReader, property: Property): ProtocolError | undefined => {
  switch (property.type) {
    case 'byte': {
      const value = reader.byte()
      if (property.bit === PAYLOAD_FORMAT_INDICATOR) reader.payloadFormatUtf8 = value === 1
      return value > 1 ? protocolError(`${property.name} is neither 0 nor 1.`) : checkNumber(value, property)
    }
    case 'twoByteInteger':
      return checkTwoByteInteger(reader, property)
    case 'fourByteInteger':
      return checkFourByteInteger(reader, property)
    case 'variableByteInteger':
      return checkNumber(reader.variableByteInteger(), property)
    case 'string': {
      const error = reader.checkString(property.name)
      if (error !== undefined || property.bit !== RESPONSE_TOPIC) return error
      return checkTopicName(reader.bytes, reader.stringStart, reader.position, property.name)
    }
    case 'stringPair':
      return reader.checkString('name of a User Property') ?? reader.checkString('value of a User Property')
    case 'binary':
      return reader.checkBinary(property.name)
  }
}

const checkTwoByteInteger = (reader: PacketReader, property: Property): ProtocolError | undefined => {
  const value = reader.twoByteInteger()
  if (property.bit === TOPIC_ALIAS) {
    reader.topicAlias = value
    reader.cut(1 + 2) // An alias is valid for one connection only.
  }
  return checkNumber(value, property)
}

const checkFourByteInteger = (reader: PacketReader, property: Property): ProtocolError | undefined => {
  const value = reader.fourByteInteger()
  if (property.bit === MESSAGE_EXPIRY_INTERVAL) {
    reader.messageExpiryInterval = value
    reader.cut(1 + 4) // The remaining interval is sent instead [MQTT-3.3.2-6].
  } else if (property.bit === WILL_DELAY_INTERVAL) {
    reader.cut(1 + 4) // It is for the server.
  } else if (property.bit === MAXIMUM_PACKET_SIZE && value > 0) {
    reader.maximumPacketSize = value
  }
  return checkNumber(value, property)
}

const checkNumber = (value: number, property: Property): ProtocolError | undefined => {
  if (value >= property.minimum) return undefined
  if (value === TRUNCATED) return truncated(property.name)
  if (value === OVERLONG) return malformedPacket(`The ${property.name} is encoded too long.`, 'MQTT-1.5.5-1')
  if (property.bit === TOPIC_ALIAS)
    return refusal(ReasonCode.TopicAliasInvalid, 'The Topic Alias is 0.', 'MQTT-3.3.2-8')
  return protocolError(`The ${property.name} is 0.`)
}

function indexed(rows: readonly Row[]): (Property | undefined)[] {
  const table: (Property | undefined)[] = []
  for (const [index, [identifier, name, key, type, owners, minimum = 0]] of rows.entries()) {
    const mask = owners.reduce<number>((bits, owner) => bits | (1 << owner), 0)
    while (table.length < identifier) table.push(undefined)
    table.push({ identifier, name, key, type, owners: mask, minimum, bit: 1 << index })
  }
  return table
}
