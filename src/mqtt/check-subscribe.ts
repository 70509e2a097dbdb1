import { checkPacketIdentifier } from './packet-identifier-field.ts'
import { type PacketReader, TRUNCATED } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { checkProperties } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { malformedPacket, protocolError, refusal, truncated } from './refusal.ts'
import { checkTopicFilter, isSharedFilter } from './topic-filter.ts'

const QOS = 0b0000_0011
const NO_LOCAL = 0b0000_0100
const RETAIN_HANDLING = 0b0011_0000
/** The bits of the Subscription Options that are reserved: in MQTT 3.1.1 all but the QoS. MQTT 3.1 does not use them. */
const RESERVED_5 = 0b1100_0000
const RESERVED_4 = 0b1111_1100

/** Checks the body of a SUBSCRIBE packet (section 3.8). */
export const checkSubscribe = (reader: PacketReader): ProtocolError | undefined => {
  let error = checkPacketIdentifier(reader)
  if (error === undefined && reader.protocolVersion === 5) error = checkProperties(reader, PacketType.Subscribe)
  if (error === undefined && reader.atEnd) {
    return protocolError('The SUBSCRIBE packet holds no Topic Filter.', 'MQTT-3.8.3-2')
  }
  for (let filters = 1; error === undefined && !reader.atEnd; filters += 1) {
    if (filters > reader.maximumFilters) return tooManyFilters(reader)
    error = checkFilterField(reader) ?? checkSubscriptionOptions(reader)
  }
  return error
}

/** Checks the body of an UNSUBSCRIBE packet (section 3.10). */
export const checkUnsubscribe = (reader: PacketReader): ProtocolError | undefined => {
  let error = checkPacketIdentifier(reader)
  if (error === undefined && reader.protocolVersion === 5) error = checkProperties(reader, PacketType.Unsubscribe)
  if (error === undefined && reader.atEnd) {
    return protocolError('The UNSUBSCRIBE packet holds no Topic Filter.', 'MQTT-3.10.3-2')
  }
  for (let filters = 1; error === undefined && !reader.atEnd; filters += 1) {
    if (filters > reader.maximumFilters) return tooManyFilters(reader)
    error = checkFilterField(reader)
  }
  return error
}

/** A limit of this server, not of the specification. */
const tooManyFilters = ({ maximumFilters }: PacketReader): ProtocolError =>
  refusal(ReasonCode.QuotaExceeded, `The packet holds more than ${maximumFilters} Topic Filters.`)

/** [MQTT-3.8.3-1] [MQTT-3.10.3-1] */
const checkFilterField = (reader: PacketReader): ProtocolError | undefined =>
  reader.checkString('Topic Filter') ?? checkTopicFilter(reader.bytes, reader.stringStart, reader.position)

/** Checks the byte after a Topic Filter, which the reader has just passed. */
const checkSubscriptionOptions = (reader: PacketReader): ProtocolError | undefined => {
  const filterEnd = reader.position
  const byte = reader.byte()
  if (byte === TRUNCATED) return truncated('Subscription Options')
  const options = reader.protocolVersion === 3 ? byte & QOS : byte
  if ((options & (reader.protocolVersion === 5 ? RESERVED_5 : RESERVED_4)) !== 0) {
    return malformedPacket('Reserved bits of the Subscription Options are set.', 'MQTT-3.8.3-5')
  }
  // The specification calls QoS 3 and Retain Handling 3 Protocol Errors (section 3.8.3.1).
  if ((options & QOS) === QOS) return protocolError('The QoS in the Subscription Options is 3.')
  if ((options & RETAIN_HANDLING) === RETAIN_HANDLING) return protocolError('The Retain Handling is 3.')
  if ((options & NO_LOCAL) !== 0 && isSharedFilter(reader.bytes, reader.stringStart, filterEnd)) {
    return protocolError('No Local is set on a Shared Subscription.', 'MQTT-3.8.3-4')
  }
  return undefined
}
