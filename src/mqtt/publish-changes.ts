import { cutOutside } from './forwarded-properties.ts'
import { PacketReader } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { checkProperties } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { checkTopicName } from './topic-name.ts'
import { variableByteIntegerSize, writeVariableByteInteger } from './variable-byte-integer.ts'

/** What a filter can change in a PUBLISH packet. Omitted fields stay unchanged. Buffers are copied. */
export interface PublishChanges {
  /** A legal Topic Name. */
  readonly topic?: string
  /** A string becomes UTF-8. */
  readonly payload?: string | Uint8Array
  readonly retain?: boolean
  /**
   * The forwarded Properties, all of them, encoded as in `Message.properties`: Payload Format Indicator, Content Type,
   * Response Topic, Correlation Data and User Properties.
   */
  readonly properties?: Uint8Array
}

/** The most bytes that a UTF-8 Encoded String can have [MQTT-4.7.3-3]. */
const MAXIMUM_STRING_LENGTH = 65_535

/** Checks a Topic Name that did not come from a client. @throws TypeError when it is not legal. */
export const checkNewTopic = (topic: string): void => {
  const length = Buffer.byteLength(topic)
  if (length > MAXIMUM_STRING_LENGTH) throw new TypeError('The Topic Name is longer than 65,535 bytes.')
  const bytes = Buffer.alloc(2 + length)
  bytes.writeUInt16BE(length)
  bytes.write(topic, 2)
  const reader = new PacketReader()
  reader.open(bytes, 0, bytes.length, 5)
  throwIfWrong(reader.checkString('Topic Name') ?? checkTopicName(bytes, 2))
}

/**
 * Checks encoded Properties that did not come from a client.
 * @returns whether they say that the payload is UTF-8.
 * @throws TypeError when they are not legal, or when one of them is not forwarded.
 */
export const checkNewProperties = (properties: Uint8Array): boolean => {
  const start = variableByteIntegerSize(properties.length)
  const bytes = Buffer.alloc(start + properties.length)
  writeVariableByteInteger(bytes, 0, properties.length)
  bytes.set(properties, start)
  const reader = new PacketReader()
  reader.open(bytes, 0, bytes.length, 5)
  throwIfWrong(checkProperties(reader, PacketType.Publish))
  const { payloadFormatUtf8, propertiesStart, propertiesEnd } = reader
  if (!cutOutside(reader) || propertiesStart !== reader.propertiesStart || propertiesEnd !== reader.propertiesEnd) {
    throw new TypeError('Topic Alias and Message Expiry Interval are not forwarded, and cannot be changed.')
  }
  return payloadFormatUtf8
}

const throwIfWrong = (error: ProtocolError | undefined): void => {
  if (error !== undefined) throw new TypeError(error.message)
}
