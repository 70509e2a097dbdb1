/** Hashes passwords off the main thread, to compare them or to write them. */

import { createHash, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto'
import type { Argon2 } from './argon2.ts'
import { formatScrypt, newScrypt, OWN_HASH_BYTES, type PasswordHash, type ScryptHash } from './password-hash.ts'

/**
 * Compares a password with a hash, in a time that does not tell how much of it is right.
 * @param argon2 needed for Argon2id.
 * @throws when the hash cannot be computed: too little memory, or Argon2id without `argon2`.
 */
export const verifyPassword = async (
  hash: PasswordHash,
  password: Uint8Array,
  argon2: Argon2 | undefined,
): Promise<boolean> => {
  const isEqual = timingSafeEqual(await hashOf(hash, password, argon2), hash.hash)
  // HMAC, and so PBKDF2 and scrypt, fills a key up with zeros: a password with zeros behind it has the same hash as without them.
  return isEqual && password.at(-1) !== 0
}

/** Hashes a password with a new salt, as it is written into a file. */
export const hashPassword = async (password: string): Promise<string> => {
  const parameters = newScrypt()
  const hash = await byScrypt(parameters, Buffer.from(password), OWN_HASH_BYTES)
  return formatScrypt({ ...parameters, hash })
}

const hashOf = (hash: PasswordHash, password: Uint8Array, argon2: Argon2 | undefined): Promise<Uint8Array> => {
  switch (hash.scheme) {
    case 'scrypt':
      return byScrypt(hash, password, hash.hash.length)
    case 'pbkdf2':
      return new Promise((resolve, reject) => {
        pbkdf2(password, hash.salt, hash.iterations, hash.hash.length, 'sha512', settle(resolve, reject))
      })
    case 'sha512':
      return Promise.resolve(createHash('sha512').update(password).update(hash.salt).digest())
    case 'argon2id':
      if (argon2 === undefined) return Promise.reject(new Error('no implementation of Argon2id is available'))
      return argon2(password, hash)
  }
}

const byScrypt = (
  { logCost, blockSize: r, parallelism: p, salt }: Omit<ScryptHash, 'hash'>,
  password: Uint8Array,
  length: number,
): Promise<Uint8Array> => {
  const N = 2 ** logCost
  // Twice what it needs: the default of Node is too low for the cost that `passwd` writes.
  const maxmem = 2 * 128 * r * (N + p + 2)
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { N, r, p, maxmem }, settle(resolve, reject))
  })
}

const settle =
  (resolve: (hash: Uint8Array) => void, reject: (error: Error) => void) =>
  (error: Error | null, hash: Uint8Array): void =>
    error === null ? resolve(hash) : reject(error)
