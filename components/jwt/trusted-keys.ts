import { createHmac, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  createLocalJWKSet,
  importJWK,
  type KeyObject as JoseKeyObject,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { type Algorithm, isSecretAlgorithm } from './config.ts'

/** A key that a token was checked with. */
export type TokenKey = CryptoKey | JoseKeyObject | Uint8Array

/** Keys that are trusted now. */
export interface TrustedKeys {
  /** Finds the key of a token. */
  readonly find: JWTVerifyGetKey
  /** The names of all keys. A name does not reveal a secret. */
  readonly ids: ReadonlySet<string>
  /** The name of a key that `find` returned. */
  idOf(key: TokenKey): string | Promise<string>
}

/** The bytes that a secret has at least: as many as the hash (RFC 7518, section 3.2). */
const SECRET_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const

/** The secret of a file or the config. @throws an Error that says what is wrong with it. */
export const secretKeys = (text: string, isBase64: boolean, algorithms: readonly Algorithm[]): TrustedKeys => {
  const secret = isBase64 ? decodeBase64(text) : Buffer.from(text)
  for (const algorithm of algorithms.filter(isSecretAlgorithm)) {
    const needed = SECRET_BYTES[algorithm]
    if (secret.length < needed) {
      throw new Error(`the secret has ${secret.length} bytes; ${algorithm} needs at least ${needed}`)
    }
  }
  // Each token that was signed with the secret tells as much about it.
  const id = createHmac('sha256', secret).update('the name of this key').digest('base64url')
  return oneKey(createSecretKey(secret), id)
}

/** A public key or certificate. @throws an Error that says what is wrong with it. */
export const publicKeys = async (pem: string, algorithms: readonly Algorithm[]): Promise<TrustedKeys> => {
  if (pem.includes('PRIVATE KEY-----')) throw new Error('it contains a private key: use the public key')
  const blocks = pem.split('-----BEGIN ').length - 1
  if (blocks !== 1) throw new Error(`it holds ${blocks} keys, not one: use a JSON Web Key Set for several`)
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (cause) {
    throw new Error('it is not a public key in PEM', { cause })
  }
  if (!algorithms.some((algorithm) => fits(key, algorithm))) {
    throw new Error(`its key of type ${key.asymmetricKeyType} does not fit the algorithms ${algorithms.join(', ')}`)
  }
  return oneKey(key, await calculateJwkThumbprint(key))
}

/** The keys of a JSON Web Key Set. @throws an Error that says what is wrong with it. */
export const keySet = async (json: string, algorithms: readonly Algorithm[]): Promise<TrustedKeys> => {
  let set: JSONWebKeySet
  try {
    set = JSON.parse(json) as JSONWebKeySet
  } catch (cause) {
    throw new Error('it is not JSON', { cause })
  }
  const find = createLocalJWKSet(set)
  const ids = new Set<string>()
  for (const [index, jwk] of set.keys.entries()) {
    const of = `its key ${index + 1}`
    // A published secret is not secret, and with a published private key every client could sign.
    if (jwk.kty === 'oct' || 'd' in jwk || 'k' in jwk) throw new Error(`${of} is a secret or private`)
    if (jwk.use !== undefined && jwk.use !== 'sig') continue
    if (!algorithms.some((algorithm) => !isSecretAlgorithm(algorithm) && isOfType(jwk, algorithm))) continue
    try {
      await importJWK(jwk, algorithms.find((algorithm) => isOfType(jwk, algorithm))!)
      ids.add(await calculateJwkThumbprint(jwk))
    } catch (cause) {
      throw new Error(`${of} is not valid`, { cause })
    }
  }
  if (ids.size === 0) throw new Error(`it has no key for ${algorithms.join(', ')}`)
  return new KeySet(find, ids)
}

class KeySet implements TrustedKeys {
  readonly find: JWTVerifyGetKey
  readonly ids: ReadonlySet<string>
  /** A key that was found is the same object each time. */
  readonly #idOfKey = new WeakMap<TokenKey, Promise<string>>()

  constructor(find: JWTVerifyGetKey, ids: ReadonlySet<string>) {
    this.find = find
    this.ids = ids
  }

  idOf(key: TokenKey): Promise<string> {
    const known = this.#idOfKey.get(key) ?? calculateJwkThumbprint(key as CryptoKey)
    this.#idOfKey.set(key, known)
    return known
  }
}

const oneKey = (key: KeyObject, id: string): TrustedKeys => ({
  find: () => key,
  ids: new Set([id]),
  idOf: () => id,
})

const CURVES: Readonly<Record<string, readonly string[]>> = {
  ES256: ['P-256', 'prime256v1'],
  ES384: ['P-384', 'secp384r1'],
  ES512: ['P-521', 'secp521r1'],
}

const fits = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, algorithm: Algorithm): boolean => {
  if (algorithm === 'EdDSA') return asymmetricKeyType === 'ed25519'
  if (!algorithm.startsWith('ES')) return asymmetricKeyType === 'rsa'
  return asymmetricKeyType === 'ec' && CURVES[algorithm]!.includes(asymmetricKeyDetails!.namedCurve!)
}

const isOfType = ({ kty, crv, alg }: JSONWebKeySet['keys'][number], algorithm: Algorithm): boolean => {
  if (alg !== undefined && alg !== algorithm) return false
  if (algorithm === 'EdDSA') return kty === 'OKP' && crv === 'Ed25519'
  if (!algorithm.startsWith('ES')) return kty === 'RSA'
  return kty === 'EC' && CURVES[algorithm]!.includes(crv ?? '')
}

const decodeBase64 = (text: string): Buffer => {
  const trimmed = text.trim()
  if (!/^[\w+/-]+={0,2}$/.test(trimmed)) throw new Error('the secret is not base64')
  return Buffer.from(trimmed, 'base64url')
}
