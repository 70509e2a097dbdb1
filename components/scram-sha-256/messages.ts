/** The messages of a SCRAM client (section 7 of RFC 5802). */

import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { decodeBase64 } from './base64.ts'
import { hashLength } from './keys.ts'

/** Bytes of a message. Names and nonces of sane clients are a small part of it. */
export const maximumMessageLength = 2_048

export interface ClientFirst {
  /** `n,,` or so: what the client says of channel binding, and as whom it wants to act. */
  readonly gs2Header: string
  /** As whom it wants to act; undefined for itself. */
  readonly authorizationName: string | undefined
  readonly userName: string
  readonly nonce: string
  /** All behind the gs2 header. */
  readonly bare: string
}

export interface ClientFinal {
  /** The gs2 header, repeated, in base64. */
  readonly channelBinding: string
  /** That of the client with ours behind it. */
  readonly nonce: string
  readonly proof: Uint8Array
  readonly withoutProof: string
}

/** Why the exchange ends. */
export interface Refusal {
  readonly reasonCode: ReasonCode
  /** For the log. */
  readonly why: string
}

/** The client does not speak SCRAM as RFC 5802 lays it down. */
export const malformed = (why: string): Refusal => ({ reasonCode: ReasonCode.ProtocolError, why })

/** The client speaks SCRAM and is not let in. */
export const refused = (why: string): Refusal => ({ reasonCode: ReasonCode.NotAuthorized, why })

export const readClientFirst = (data: Uint8Array | undefined): ClientFirst | Refusal => {
  const text = readText(data)
  if (text === undefined) return malformed('the first message is missing, too long, or no text')
  const match = /^((p=[^,]*|n|y),(?:a=([^,]+))?,)(.*)$/s.exec(text)
  if (match === null) return malformed('the first message does not begin with a gs2 header')
  const [, gs2Header, flag, authorization, bare] = match
  if (flag!.startsWith('p')) return refused('channel binding is not supported')
  if (bare!.startsWith('m=')) return refused('the first message demands an extension that is not supported')
  const fields = /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]=[^,]+)*)$/.exec(bare!)
  if (fields === null) return malformed('the first message has no user name and nonce')
  const userName = unescapeName(fields[1]!)
  if (userName === undefined) return malformed('the user name is not escaped')
  let authorizationName: string | undefined
  if (authorization !== undefined) {
    authorizationName = unescapeName(authorization)
    if (authorizationName === undefined) return malformed('the authorization identity is not escaped')
  }
  return { gs2Header: gs2Header!, authorizationName, userName, nonce: fields[2]!, bare: bare! }
}

export const readClientFinal = (data: Uint8Array | undefined): ClientFinal | Refusal => {
  const text = readText(data)
  if (text === undefined) return malformed('the final message is missing, too long, or no text')
  const match = /^(c=([^,]+),r=([^,]+)(?:,[A-Za-z]=[^,]+)*),p=([^,]+)$/.exec(text)
  if (match === null) return malformed('the final message has no channel binding, nonce and proof')
  const [, withoutProof, channelBinding, nonce, encodedProof] = match
  const proof = decodeBase64(encodedProof!)
  if (proof?.length !== hashLength) return malformed('the proof is not base64 of 32 bytes')
  return { channelBinding: channelBinding!, nonce: nonce!, proof, withoutProof: withoutProof! }
}

/** `=2C` is a comma and `=3D` an equals sign, which may not stand there in another way. */
const unescapeName = (name: string): string | undefined =>
  /=(?!2C|3D)/.test(name) ? undefined : name.replaceAll('=2C', ',').replaceAll('=3D', '=')

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const readText = (data: Uint8Array | undefined): string | undefined => {
  if (data === undefined || data.length > maximumMessageLength) return undefined
  try {
    const text = decoder.decode(data)
    return text.includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}
