import type { ReasonCode } from './reason-code.ts'

/**
 * A violation of the protocol by a peer. It is a value, not an exception, since a stack trace for hostile input would cost too
 * much. The handler answers it: MQTT 5.0 sends the reason code in CONNACK or DISCONNECT, MQTT 3 closes the connection
 * [MQTT-4.13.1-1].
 */
export interface ProtocolError {
  readonly reasonCode: ReasonCode
  /** A sentence for the log and the Reason String: what was wrong, never text that the peer sent. */
  readonly message: string
  /** The violated clause, if there is one: `MQTT-1.5.4-2`. */
  readonly clause?: string
  /** Of a CONNECT packet, for the log alone: the Client Identifier that it names, if it can be read. */
  readonly clientId?: string
  /** Of the first packet, for the log alone: a sentence that says which other protocol or version the bytes look like. */
  readonly hint?: string
}
