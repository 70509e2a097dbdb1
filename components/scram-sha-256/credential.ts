import { decodeBase64 } from './base64.ts'
import { hashLength, type Keys } from './keys.ts'

/** What the broker knows of a user. */
export interface Credential extends Keys {
  readonly salt: Uint8Array
  /** How often the password was hashed. */
  readonly iterations: number
}

/** The fewest that RFC 7677 allows. */
export const minimumIterations = 4_096
/** Clients must do as many at every connection; this is more than ten seconds of a fast machine. */
export const maximumIterations = 100_000_000
const minimumSaltLength = 8
const maximumSaltLength = 1_024

/** The form in which PostgreSQL writes it too. */
const pattern = /^SCRAM-SHA-256\$([1-9][0-9]{0,9}):([^$:]+)\$([^$:]+):([^$:]+)$/

/** `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, all but the iterations in base64. */
export const formatCredential = ({ iterations, salt, storedKey, serverKey }: Credential): string =>
  `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`

/** Reads what `formatCredential` writes. @returns what is wrong with it otherwise, without repeating any of it. */
export const parseCredential = (text: string): Credential | string => {
  const match = pattern.exec(text)
  if (match === null) {
    return "a credential looks like 'SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>'; `npm run scram -- NAME` makes one"
  }
  const iterations = Number(match[1])
  if (iterations < minimumIterations) return `the iterations are fewer than ${minimumIterations}`
  if (iterations > maximumIterations) return `the iterations are more than ${maximumIterations}`
  const salt = decodeBase64(match[2]!)
  if (salt === undefined || salt.length < minimumSaltLength || salt.length > maximumSaltLength) {
    return `the salt is not base64 of ${minimumSaltLength} to ${maximumSaltLength} bytes`
  }
  const storedKey = decodeBase64(match[3]!)
  if (storedKey?.length !== hashLength) return `the StoredKey is not base64 of ${hashLength} bytes`
  const serverKey = decodeBase64(match[4]!)
  if (serverKey?.length !== hashLength) return `the ServerKey is not base64 of ${hashLength} bytes`
  return { iterations, salt, storedKey, serverKey }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
