import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Algorithm } from './config.ts'
import { keySet, publicKeys, secretKeys } from './trusted-keys.ts'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })
const p256 = ec('P-256')
const p384 = ec('P-384')
const p521 = ec('P-521')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const ed25519 = generateKeyPairSync('ed25519')
const x25519 = generateKeyPairSync('x25519')
const pem = ({ publicKey }: typeof rsa) => publicKey.export({ type: 'spki', format: 'pem' }) as string
const jwk = ({ publicKey }: typeof rsa) => publicKey.export({ format: 'jwk' })
const setOf = (...keys: object[]) => JSON.stringify({ keys })

const pairs = { p256, p384, p521, rsa, ed25519 }
const fitting: readonly (readonly [Algorithm, keyof typeof pairs])[] = [
  ['ES256', 'p256'],
  ['ES384', 'p384'],
  ['ES512', 'p521'],
  ['RS256', 'rsa'],
  ['PS512', 'rsa'],
  ['EdDSA', 'ed25519'],
]

describe.each(fitting)('for %s', (algorithm, own) => {
  const others = Object.entries(pairs).filter(([name]) => name !== own)

  it('a public key of its type is taken, and no other', async () => {
    expect((await publicKeys(pem(pairs[own]), [algorithm])).ids.size).toBe(1)
    for (const [, pair] of others)
      await expect(publicKeys(pem(pair), [algorithm])).rejects.toThrow(`does not fit the algorithms ${algorithm}`)
  })

  it('the keys of its type are taken from a set, and others are ignored', async () => {
    const keys = await keySet(setOf(...others.map(([, pair]) => jwk(pair)), jwk(pairs[own])), [algorithm])
    expect(keys.ids.size).toBe(1)
    expect([...keys.ids]).toEqual([...(await keySet(setOf(jwk(pairs[own])), [algorithm])).ids])
    await expect(keySet(setOf(...others.map(([, pair]) => jwk(pair))), [algorithm])).rejects.toThrow(
      `it has no key for ${algorithm}`,
    )
  })
})

describe('a key set', () => {
  it.each([
    ['for encryption', { ...jwk(p256), use: 'enc' }],
    ['for another algorithm', { ...jwk(p256), alg: 'ECDH-ES' }],
    ['without a curve', { kty: 'EC', x: 'AA', y: 'AA' }],
    ['of a curve that signs nothing', jwk(x25519 as unknown as typeof rsa)],
  ])('of a key %s has no key', async (_, key) => {
    await expect(keySet(setOf(key), ['ES256', 'EdDSA'])).rejects.toThrow('it has no key for ES256, EdDSA')
  })

  it('takes a key that says what it is for', async () => {
    const keys = await keySet(setOf({ ...jwk(p256), use: 'sig', alg: 'ES256' }), ['RS256', 'ES256'])
    expect(keys.ids.size).toBe(1)
  })

  it.each([
    ['a private key', p256.privateKey.export({ format: 'jwk' })],
    ['a secret', { kty: 'oct', k: 'AA' }],
    ['a secret of another type', { ...jwk(p256), k: 'AA' }],
  ])('with %s is refused: it may be known to others', async (_, key) => {
    await expect(keySet(setOf(jwk(p256), key), ['ES256'])).rejects.toThrow('its key 2 is a secret or private')
  })
})

it('a secret has to be long enough for each of its algorithms', () => {
  expect(() => secretKeys('x'.repeat(47), false, ['HS256', 'HS384'])).toThrow(
    'the secret has 47 bytes; HS384 needs at least 48',
  )
  expect(secretKeys('x'.repeat(48), false, ['HS256', 'HS384']).ids.size).toBe(1)
})
