import { describeDisconnectReason, describeReasonCode } from '../mqtt/describe-reason-code.ts'

/** What went wrong with a client. */
export type ClientErrorCode =
  /** The name of the host has no address. */
  | 'LOOKUP'
  /** The broker does not answer at this address. */
  | 'UNREACHABLE'
  /** The TLS handshake failed. */
  | 'TLS'
  /** CONNACK, PUBACK, PUBREC or SUBACK refused the request: `reasonCode` says why. */
  | 'REFUSED'
  /** The broker sent DISCONNECT: `reasonCode` says why. */
  | 'DISCONNECTED'
  /** The network connection ended without DISCONNECT. */
  | 'LOST'
  /** The broker did not answer in time. */
  | 'TIMEOUT'
  /** The broker sent bytes that the specification does not allow. */
  | 'PROTOCOL'
  /** The broker does not take this request, as its CONNACK says. Nothing was sent. */
  | 'NOT_SUPPORTED'
  /** The packet is larger than the broker, or MQTT, allows. */
  | 'TOO_LARGE'
  /** The payload could not be read. */
  | 'PAYLOAD'
  /** The caller ended the client. */
  | 'ENDED'

/** An error of the client. The message is a sentence for the user. */
export class ClientError extends Error {
  readonly code: ClientErrorCode
  /** Of `REFUSED` and `DISCONNECTED`. */
  readonly reasonCode: number | undefined

  constructor(code: ClientErrorCode, message: string, options: { reasonCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ClientError'
    this.code = code
    this.reasonCode = options.reasonCode
  }
}

/** The broker refused a request. @param what its name: `connection`. */
export const refusedBy = (what: string, reasonCode: number, reasonString?: unknown): ClientError =>
  new ClientError(
    'REFUSED',
    `The broker refused the ${what}: ${describeReasonCode(reasonCode)}${quoted(reasonString)}.`,
    {
      reasonCode,
    },
  )

/** CONNACK of MQTT 3.1 and 3.1.1. */
export const refusedBefore5 = (returnCode: number): ClientError => {
  const name = RETURN_CODES[returnCode] ?? 'undefined return code'
  return new ClientError('REFUSED', `The broker refused the connection: ${name} (${returnCode}).`, {
    reasonCode: returnCode,
  })
}

/** The broker sent DISCONNECT. */
export const disconnectedBy = (reasonCode: number, reasonString?: unknown): ClientError =>
  new ClientError(
    'DISCONNECTED',
    `The broker ended the connection: ${describeDisconnectReason(reasonCode)}${quoted(reasonString)}.`,
    { reasonCode },
  )

const RETURN_CODES: readonly string[] = [
  'Accepted',
  'unacceptable protocol version',
  'identifier rejected',
  'server unavailable',
  'bad user name or password',
  'not authorized',
]

/** Reason Strings come from the broker: a terminal would obey control characters, and marks of the direction of text. */
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu
const quoted = (text: unknown): string =>
  typeof text === 'string' && text !== '' ? `, "${text.replace(CONTROLS, ' ').slice(0, 200)}"` : ''
