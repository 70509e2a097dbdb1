import type { ProtocolError } from './protocol-error.ts'
import { ReasonCode } from './reason-code.ts'

/** A ProtocolError with any Reason Code. @param clause the statement that was broken, where the specification numbers one. */
export const refusal = (reasonCode: ReasonCode, message: string, clause?: string): ProtocolError =>
  clause === undefined ? { reasonCode, message } : { reasonCode, message, clause }

/** A packet that cannot be parsed by the specification (0x81). */
export const malformedPacket = (message: string, clause?: string): ProtocolError =>
  refusal(ReasonCode.MalformedPacket, message, clause)

/** A packet that can be read, but has a forbidden value or comes at a forbidden time (0x82). */
export const protocolError = (message: string, clause?: string): ProtocolError =>
  refusal(ReasonCode.ProtocolError, message, clause)

/** A field that extends past the end of its packet or of its Properties. @param field the name the specification gives it. */
export const truncated = (field: string): ProtocolError => malformedPacket(`The ${field} is cut off.`)
