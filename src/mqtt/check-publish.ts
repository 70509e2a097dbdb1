import { qosOf } from './fixed-header.ts'
import { checkPacketIdentifier } from './packet-identifier-field.ts'
import type { PacketReader } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { checkProperties, TOPIC_ALIAS } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { protocolError } from './refusal.ts'
import { checkTopicName } from './topic-name.ts'

/** Checks the body of a PUBLISH packet (section 3.3). What follows the variable header is payload, whatever it is. */
export const checkPublish = (reader: PacketReader, firstByte: number): ProtocolError | undefined => {
  let error = reader.checkString('Topic Name') // [MQTT-3.3.2-1]
  if (error !== undefined) return error
  const start = reader.stringStart
  const end = reader.position
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
  return checkTopicName(reader.bytes, start, end)
}
