import type { Acknowledgement } from './acknowledgement.ts'
import { checkPacketIdentifier } from './packet-identifier-field.ts'
import type { PacketReader } from './packet-reader.ts'
import { PacketType, packetTypeName } from './packet-type.ts'
import { checkProperties } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { protocolError } from './refusal.ts'

/** Checks the body of PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7), which are laid out alike. */
export const checkAcknowledgement = (reader: PacketReader, type: Acknowledgement): ProtocolError | undefined => {
  const error = checkPacketIdentifier(reader)
  // MQTT 5.0 may end here, which means Success, or after the Reason Code, which means that there are no Properties.
  if (error !== undefined || reader.protocolVersion !== 5 || reader.atEnd) return error
  if (!isReasonCode(type, reader.byte())) {
    return protocolError(`The Reason Code is not valid for ${packetTypeName(type)}.`, REASON_CODE_CLAUSES[type])
  }
  return reader.atEnd ? undefined : checkProperties(reader, type)
}

const isReasonCode = (type: Acknowledgement, code: number): boolean => {
  if (code === ReasonCode.Success) return true
  if (type === PacketType.Pubrel || type === PacketType.Pubcomp) return code === ReasonCode.PacketIdentifierNotFound
  return RECEIPT_CODES.has(code)
}

/** Reason Codes of PUBACK and PUBREC (tables 3-4 and 3-5) beside Success. */
const RECEIPT_CODES: ReadonlySet<number> = new Set([
  ReasonCode.NoMatchingSubscribers,
  ReasonCode.UnspecifiedError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.NotAuthorized,
  ReasonCode.TopicNameInvalid,
  ReasonCode.PacketIdentifierInUse,
  ReasonCode.QuotaExceeded,
  ReasonCode.PayloadFormatInvalid,
])

const REASON_CODE_CLAUSES: Readonly<Record<Acknowledgement, string>> = {
  [PacketType.Puback]: 'MQTT-3.4.2-1',
  [PacketType.Pubrec]: 'MQTT-3.5.2-1',
  [PacketType.Pubrel]: 'MQTT-3.6.2-1',
  [PacketType.Pubcomp]: 'MQTT-3.7.2-1',
}
