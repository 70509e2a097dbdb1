import type { ProtocolVersion } from './protocol-version.ts'
import type { Publish } from './publish.ts'
import { variableByteIntegerSize } from './variable-byte-integer.ts'

/**
 * The size of a PUBLISH packet in the form of a version, in bytes and with its fixed header: it is compared with the Maximum
 * Packet Size of a client [MQTT-3.1.2-24]. If it is over `MAXIMUM_PACKET_SIZE`, the packet cannot exist.
 */
export const publishSize = (publish: Publish, version: ProtocolVersion): number => {
  const length = publishRemainingLength(publish, version)
  return 1 + variableByteIntegerSize(length) + length
}

/** The Remaining Length of a PUBLISH packet in the form of a version. */
export const publishRemainingLength = (publish: Publish, version: ProtocolVersion): number => {
  const { message } = publish
  let length = 2 + message.payloadEnd - message.payloadStart
  if (!publish.omitsTopic) length += message.topicEnd - message.topicStart
  if (publish.qos > 0) length += 2
  if (version !== 5) return length
  const propertyLength = publishPropertyLength(publish)
  return length + variableByteIntegerSize(propertyLength) + propertyLength
}

/** The Property Length of a PUBLISH packet of MQTT 5.0. */
export const publishPropertyLength = (publish: Publish): number => {
  const { message, subscriptionIdentifiers } = publish
  let length = message.propertiesEnd - message.propertiesStart
  if (publish.messageExpiryInterval >= 0) length += 1 + 4
  if (publish.topicAlias > 0) length += 1 + 2
  for (let index = 0; index < subscriptionIdentifiers.length; index += 1) {
    length += 1 + variableByteIntegerSize(subscriptionIdentifiers[index]!)
  }
  return length
}
