import type { PacketReader } from './packet-reader.ts'
import { PacketType } from './packet-type.ts'
import { AUTHENTICATION_METHOD, checkProperties } from './properties.ts'
import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'
import { protocolError } from './refusal.ts'

/**
 * Checks the body of an AUTH packet (section 3.15). An empty body means Success without Properties. The exchange, not this
 * check, decides whether Success is allowed now.
 */
export const checkAuth = (reader: PacketReader): ProtocolError | undefined => {
  if (reader.atEnd) return undefined
  const reasonCode = reader.byte()
  if (
    reasonCode !== ReasonCode.Success &&
    reasonCode !== ReasonCode.ContinueAuthentication &&
    reasonCode !== ReasonCode.ReAuthenticate
  ) {
    return protocolError('The Reason Code is not valid for AUTH.', 'MQTT-3.15.2-1')
  }
  const error = checkProperties(reader, PacketType.Auth) // [MQTT-2.2.2-1]: unlike in DISCONNECT, it may not be left out
  if (error !== undefined) return error
  if (reasonCode !== ReasonCode.Success && (reader.presentProperties & AUTHENTICATION_METHOD) === 0) {
    return protocolError('The AUTH packet has no Authentication Method.')
  }
  return undefined
}
