/** The forms of a hashed password in a password file, and the limits of its work. */

import { randomBytes } from 'node:crypto'

export interface ScryptHash {
  readonly scheme: 'scrypt'
  /** The logarithm of the cost N to the base 2. */
  readonly logCost: number
  readonly blockSize: number
  readonly parallelism: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** One round of SHA-512 over password and salt: `$6$` of mosquitto 1.6 and earlier. It is not crypt(3). */
export interface Sha512Hash {
  readonly scheme: 'sha512'
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** PBKDF2 with HMAC-SHA-512: `$7$` of mosquitto 2.0. */
export interface Pbkdf2Hash {
  readonly scheme: 'pbkdf2'
  readonly iterations: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

/** Argon2id, version 1.3: mosquitto 2.1 and many other tools. */
export interface Argon2idHash {
  readonly scheme: 'argon2id'
  readonly memoryKiB: number
  readonly passes: number
  readonly parallelism: number
  readonly salt: Uint8Array
  readonly hash: Uint8Array
}

export type PasswordHash = ScryptHash | Sha512Hash | Pbkdf2Hash | Argon2idHash

/** N times r times p. 2^18 is what this broker writes, some 150 ms. This is eight times as much, and 256 MiB at most. */
const MAXIMUM_SCRYPT_WORK = 2 ** 21
/** About two seconds. mosquitto 2.0 writes 101, 2.1 writes 1,000. */
const MAXIMUM_ITERATIONS = 2_000_000
/** 256 MiB. */
const MAXIMUM_ARGON2_MEMORY_KIB = 2 ** 18
/** KiB times passes: about two seconds. */
const MAXIMUM_ARGON2_WORK = 2 ** 21
const MAXIMUM_PARALLELISM = 16
const MINIMUM_SALT_BYTES = 8
const MAXIMUM_SALT_BYTES = 256
/** A shorter one would fit many passwords, and an empty one each of them. */
const MINIMUM_HASH_BYTES = 16
const MAXIMUM_HASH_BYTES = 64
const SHA512_BYTES = 64

/** What this broker writes: 32 MiB of memory, some 150 ms. */
const OWN_COST = { logCost: 15, blockSize: 8, parallelism: 1 } as const
const OWN_SALT_BYTES = 16
export const OWN_HASH_BYTES = 32

const FORMS = '$scrypt$, $argon2id$, $7$ or $6$'

/** Reads a hash as it is written in a file. @returns what is wrong with it otherwise, without repeating any of it. */
export const parsePasswordHash = (text: string): PasswordHash | string => {
  if (text.startsWith('$scrypt$')) return parseScrypt(text)
  if (text.startsWith('$argon2id$')) return parseArgon2id(text)
  if (text.startsWith('$7$')) return parsePbkdf2(text)
  if (text.startsWith('$6$')) return parseSha512(text)
  if (text === '') return 'has no password'
  return `has a password that is not hashed in a known form (${FORMS})`
}

const parseScrypt = (text: string): PasswordHash | string => {
  const match = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,3}),p=([1-9]\d{0,2})\$([^$]+)\$([^$]+)$/.exec(text)
  if (match === null) return 'has a $scrypt$ hash that is not $scrypt$ln=..,r=..,p=..$<salt>$<hash>'
  const [logCost, blockSize, parallelism] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (2 ** logCost * blockSize * parallelism > MAXIMUM_SCRYPT_WORK || parallelism > MAXIMUM_PARALLELISM) {
    return `has a $scrypt$ hash that costs too much: 2^ln * r * p is ${MAXIMUM_SCRYPT_WORK} at most, p ${MAXIMUM_PARALLELISM}`
  }
  const rest = saltAndHash('$scrypt$', decodeUnpadded(match[4]!), decodeUnpadded(match[5]!))
  return typeof rest === 'string' ? rest : { scheme: 'scrypt', logCost, blockSize, parallelism, ...rest }
}

const parseArgon2id = (text: string): PasswordHash | string => {
  const match = /^\$argon2id\$v=(\d+)\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,2})\$([^$]+)\$([^$]+)$/.exec(text)
  if (match === null) return 'has an $argon2id$ hash that is not $argon2id$v=19$m=..,t=..,p=..$<salt>$<hash>'
  if (match[1] !== '19') return 'has an $argon2id$ hash of another version than 19'
  const [memoryKiB, passes, parallelism] = [Number(match[2]), Number(match[3]), Number(match[4])]
  if (memoryKiB < 8 * parallelism) return 'has an $argon2id$ hash whose m is less than 8 * p'
  if (
    memoryKiB > MAXIMUM_ARGON2_MEMORY_KIB ||
    memoryKiB * passes > MAXIMUM_ARGON2_WORK ||
    parallelism > MAXIMUM_PARALLELISM
  ) {
    const bounds = `m is ${MAXIMUM_ARGON2_MEMORY_KIB} at most, m * t ${MAXIMUM_ARGON2_WORK}, p ${MAXIMUM_PARALLELISM}`
    return `has an $argon2id$ hash that costs too much: ${bounds}`
  }
  const rest = saltAndHash('$argon2id$', decodeUnpadded(match[5]!), decodeUnpadded(match[6]!))
  return typeof rest === 'string' ? rest : { scheme: 'argon2id', memoryKiB, passes, parallelism, ...rest }
}

const parsePbkdf2 = (text: string): PasswordHash | string => {
  const match = /^\$7\$([1-9]\d{0,9})\$([^$]+)\$([^$]+)$/.exec(text)
  if (match === null) return 'has a $7$ hash that is not $7$<iterations>$<salt>$<hash>'
  const iterations = Number(match[1])
  if (iterations > MAXIMUM_ITERATIONS) return `has a $7$ hash with more than ${MAXIMUM_ITERATIONS} iterations`
  const rest = saltAndHash('$7$', decodePadded(match[2]!), decodePadded(match[3]!))
  return typeof rest === 'string' ? rest : { scheme: 'pbkdf2', iterations, ...rest }
}

const parseSha512 = (text: string): PasswordHash | string => {
  const match = /^\$6\$([^$]+)\$([^$]+)$/.exec(text)
  if (match === null) return 'has a $6$ hash that is not $6$<salt>$<hash> of mosquitto'
  const rest = saltAndHash('$6$', decodePadded(match[1]!), decodePadded(match[2]!))
  if (typeof rest === 'string') return rest
  if (rest.hash.length !== SHA512_BYTES)
    return 'has a $6$ hash that is not a SHA-512 of mosquitto (crypt(3) is not read)'
  return { scheme: 'sha512', ...rest }
}

const saltAndHash = (
  form: string,
  salt: Uint8Array | undefined,
  hash: Uint8Array | undefined,
): { readonly salt: Uint8Array; readonly hash: Uint8Array } | string => {
  const what = `has a ${form} hash`
  if (salt === undefined || hash === undefined) return `${what} whose salt or hash is not base64`
  if (salt.length < MINIMUM_SALT_BYTES || salt.length > MAXIMUM_SALT_BYTES) {
    return `${what} whose salt is not ${MINIMUM_SALT_BYTES} to ${MAXIMUM_SALT_BYTES} bytes`
  }
  if (hash.length < MINIMUM_HASH_BYTES || hash.length > MAXIMUM_HASH_BYTES) {
    return `${what} that is not ${MINIMUM_HASH_BYTES} to ${MAXIMUM_HASH_BYTES} bytes`
  }
  return { salt, hash }
}

/** The bytes of canonical base64, with its padding, or undefined: Buffer itself reads anything. */
const decodePadded = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** The same without padding, as in PHC strings. */
const decodeUnpadded = (text: string): Uint8Array | undefined => {
  const bytes = Buffer.from(text, 'base64')
  return encodeUnpadded(bytes) === text ? bytes : undefined
}

const encodeUnpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '')

/** The parameters of a hash that this broker is about to write, with a new salt. */
export const newScrypt = (): Omit<ScryptHash, 'hash'> => ({
  scheme: 'scrypt',
  ...OWN_COST,
  salt: randomBytes(OWN_SALT_BYTES),
})

/** A PHC string. */
export const formatScrypt = ({ logCost, blockSize, parallelism, salt, hash }: ScryptHash): string =>
  `$scrypt$ln=${logCost},r=${blockSize},p=${parallelism}$${encodeUnpadded(salt)}$${encodeUnpadded(hash)}`
