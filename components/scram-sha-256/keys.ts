/** The keys of SCRAM-SHA-256 (section 3 of RFC 5802). The password cannot be derived from them. */

import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'

/** Bytes of a SHA-256 hash, and so of every key and signature. */
export const hashLength = 32

export const hash = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest()

export const hmac = (key: Uint8Array, data: Uint8Array | string): Buffer =>
  createHmac('sha256', key).update(data).digest()

/** Both must be of the same length. */
export const xor = (left: Uint8Array, right: Uint8Array): Buffer =>
  Buffer.from(left.map((byte, index) => byte ^ right[index]!))

/** What a server keeps of a password: enough to check a client, too little to be one. */
export interface Keys {
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** Takes time in proportion to `iterations`, in the background. @param password prepared. */
export const deriveKeys = async (password: string, salt: Uint8Array, iterations: number): Promise<Keys> => {
  const saltedPassword = await promisify(pbkdf2)(password, salt, iterations, hashLength, 'sha256')
  return { storedKey: hash(hmac(saltedPassword, 'Client Key')), serverKey: hmac(saltedPassword, 'Server Key') }
}
