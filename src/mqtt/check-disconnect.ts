import type { PacketReader } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { checkProperties } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { protocolError } from './refusal.ts'

/**
 * Checks the body of a DISCONNECT packet (section 3.14). Before MQTT 5.0 it is empty; MQTT 5.0 may end it at once, which
 * means Normal disconnection, or after the Reason Code, which means that there are no Properties.
 */
export const checkDisconnect = (reader: PacketReader): ProtocolError | undefined => {
  if (reader.protocolVersion !== 5 || reader.atEnd) return undefined
  if (!CLIENT_CODES.has(reader.byte())) {
    return protocolError('The Reason Code is none that a client may send in DISCONNECT.', 'MQTT-3.14.2-1')
  }
  return reader.atEnd ? undefined : checkProperties(reader, PacketType.Disconnect)
}

/** The rows of table 3-10 that name the client as a sender. */
const CLIENT_CODES: ReadonlySet<number> = new Set([
  ReasonCode.Success,
  ReasonCode.DisconnectWithWillMessage,
  ReasonCode.UnspecifiedError,
  ReasonCode.MalformedPacket,
  ReasonCode.ProtocolError,
  ReasonCode.ImplementationSpecificError,
  ReasonCode.TopicNameInvalid,
  ReasonCode.ReceiveMaximumExceeded,
  ReasonCode.TopicAliasInvalid,
  ReasonCode.PacketTooLarge,
  ReasonCode.MessageRateTooHigh,
  ReasonCode.QuotaExceeded,
  ReasonCode.AdministrativeAction,
  ReasonCode.PayloadFormatInvalid,
])
