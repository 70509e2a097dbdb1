import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'

/** A ProtocolError with any Reason Code. @param clause the statement that was broken, where the specification numbers one. */
export const refusal = (reasonCode: ReasonCode, message: string, clause?: string): ProtocolError =>
  clause === undefined ? { reasonCode, message } : { reasonCode, message, clause }

/** A packet that cannot be read as the specification lays it out (0x81). */
export const malformedPacket = (message: string, clause?: string): ProtocolError =>
  refusal(ReasonCode.MalformedPacket, message, clause)

/** A packet that can be read, and says what it may not say, or comes when it may not come (0x82). */
export const protocolError = (message: string, clause?: string): ProtocolError =>
  refusal(ReasonCode.ProtocolError, message, clause)

/** A field that goes on past the end of its packet or of the Properties it stands in. @param field the name the specification gives it. */
export const truncated = (field: string): ProtocolError => malformedPacket(`The ${field} is cut off.`)
