import { qosOf } from './fixed-header.ts'
import { checkPacketIdentifier } from './packet-identifier-field.ts'
import { type PacketReader, TRUNCATED } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { checkProperties, TOPIC_ALIAS } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { protocolError } from './refusal.ts'
import { checkTopicName } from './topic-name.ts'

/**
 * Checks the body of a PUBLISH packet (section 3.3). The payload behind the variable header is not checked. Leaves the reader
 * at the payload, with the places of Topic Name and Properties set.
 */
export const checkPublish = (reader: PacketReader, firstByte: number): ProtocolError | undefined => {
  const plain = passPlainTopicName(reader)
  let error = plain ? undefined : reader.checkString('Topic Name') // [MQTT-3.3.2-1]
  if (error !== undefined) return error
  const start = reader.stringStart
  const end = reader.position
  reader.topicStart = start
  reader.topicEnd = end
  if (qosOf(firstByte) > 0) {
    error = checkPacketIdentifier(reader)
    if (error !== undefined) return error
  }
  if (reader.protocolVersion === 5) {
    error = checkProperties(reader, PacketType.Publish)
    if (error !== undefined) return error
    if (start === end) {
      if ((reader.presentProperties & TOPIC_ALIAS) !== 0) return undefined
      return protocolError('The Topic Name is empty and there is no Topic Alias.', 'MQTT-4.7.3-1')
    }
  }
  return plain ? undefined : checkTopicName(reader.bytes, start, end)
}

/**
 * Passes over a Topic Name of one or more ASCII characters without U+0000 and wildcards, as nearly all Topic Names are: each
 * byte is read once instead of twice. @returns false for any other Topic Name. The reader has not moved then, and the caller
 * checks the Topic Name.
 */
const passPlainTopicName = (reader: PacketReader): boolean => {
  const { bytes, position } = reader
  const length = reader.twoByteInteger()
  const end = position + 2 + length
  let at = position + 2
  if (length > 0 && end <= reader.end) while (at < end && PLAIN[bytes[at]!] === 1) at += 1
  if (length === TRUNCATED || length === 0 || at !== end) {
    reader.position = position
    return false
  }
  reader.stringStart = position + 2
  reader.position = end
  return true
}

/** 1 for the bytes of ASCII characters that may stand in a Topic Name. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte > 0 && byte < 0x80 && byte !== 0x23 && byte !== 0x2b ? 1 : 0,
)
