import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'

/** An error without the fields that a decoder adds for the log, which depend on how much of the packet has come. */
export const rulingOf = ({ reasonCode, message, clause }: ProtocolError): ProtocolError =>
  clause === undefined ? { reasonCode, message } : { reasonCode, message, clause }
