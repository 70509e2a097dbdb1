import { describe, expect, it } from 'vitest'
import { loadArgon2 } from './argon2.ts'
import { type PasswordHash, parsePasswordHash } from './password-hash.ts'
import { hashPassword, verifyPassword } from './verify-password.ts'

const salt12 = Buffer.alloc(12, 1).toString('base64')
const hash64 = Buffer.alloc(64, 2).toString('base64')
const salt16 = Buffer.alloc(16, 1).toString('base64').replace(/=+$/, '')
const hash32 = Buffer.alloc(32, 2).toString('base64').replace(/=+$/, '')

const verify = async (text: string, password: string): Promise<boolean> => {
  const hash = parsePasswordHash(text)
  if (typeof hash === 'string') throw new Error(hash)
  return verifyPassword(hash, Buffer.from(password), hash.scheme === 'argon2id' ? await loadArgon2() : undefined)
}

/** What other programs have written. */
const vectors: readonly (readonly [what: string, text: string, password: string])[] = [
  [
    '$6$ of mosquitto_passwd 2.0.11 -H sha512',
    '$6$NFE2QlYHZyzA2WFQ$9amZieXwv9QFp/fGSCgALq1R9YVRhdAy6aW9S3c56fPtQvNE+JaSJuD7UegzCrgqXGLR376RTTnWX9KNwCCIbQ==',
    'secret6',
  ],
  [
    '$7$ of mosquitto_passwd 2.0.11',
    '$7$101$jGKxNExittCdf+7U$BIUOZ9xN9q+NqeiWg09uXOmsFkIQ87dEhj9jGiE7a5sdmbfQoatSv4YZi6jntSjafhV8XkA2Fg1Q8qJd23v+OQ==',
    'secret7',
  ],
  [
    '$argon2id$ of the reference implementation (test.c)',
    '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
    'password',
  ],
  [
    '$argon2id$ with two lanes of the reference implementation (test.c)',
    '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
    'password',
  ],
  [
    '$scrypt$ with the second-last vector of RFC 7914',
    `$scrypt$ln=14,r=8,p=1$${b64('U29kaXVtQ2hsb3JpZGU=')}$${b64(
      Buffer.from(
        '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
          'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
        'hex',
      ).toString('base64'),
    )}`,
    'pleaseletmein',
  ],
]
function b64(text: string): string {
  return text.replace(/=+$/, '')
}

describe('a hash', () => {
  it.each(vectors)('is verified: %s', async (_, text, password) => {
    expect(await verify(text, password)).toBe(true)
    for (const wrong of [`${password}x`, password.slice(0, -1), '', `${password}\0`]) {
      expect(await verify(text, wrong)).toBe(false)
    }
  })

  it('that we write is scrypt with N = 2^15 and r = 8, and has another salt each time', async () => {
    const [first, second] = [await hashPassword('pencil é'), await hashPassword('pencil é')]
    expect(first).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(first).not.toBe(second)
    expect(await verify(first, 'pencil é')).toBe(true)
    expect(await verify(first, 'pencil e')).toBe(false)
  })

  it.each<[string, object]>([
    [`$scrypt$ln=17,r=8,p=2$${salt16}$${hash32}`, { logCost: 17, blockSize: 8, parallelism: 2 }],
    [`$7$2000000$${salt12}$${hash64}`, { iterations: 2_000_000 }],
    [`$argon2id$v=19$m=262144,t=8,p=16$${salt16}$${hash32}`, { memoryKiB: 262_144, passes: 8, parallelism: 16 }],
  ])('may cost as much as %s', (text, parameters) => {
    expect(parsePasswordHash(text)).toMatchObject(parameters)
  })

  it.each([
    // Plain text, and forms that are not read.
    ['', /no password/],
    ['pencil', /not hashed in a known form/],
    ['$6', /not hashed in a known form/],
    ['$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy', /not hashed in a known form/],
    ['$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4', /known form/],
    [`$argon2id$v=16$m=256,t=2,p=1$${salt16}$${hash32}`, /version/],
    [`$argon2id$m=256,t=2,p=1$${salt16}$${hash32}`, /is not \$argon2id/],
    ['$6$rounds=5000$saltsaltsalt$abc', /is not \$6\$/],
    // Hashes that any password would fit, or that would stall the broker.
    [`$7$101$${salt12}$`, /is not \$7\$/],
    [`$7$101$${salt12}$AAAA`, /16 to 64 bytes/],
    [`$7$101$$${hash64}`, /is not \$7\$/],
    [`$7$101$AAAA$${hash64}`, /salt is not 8 to 256 bytes/],
    [`$7$0$${salt12}$${hash64}`, /is not \$7\$/],
    [`$7$2000001$${salt12}$${hash64}`, /more than 2000000 iterations/],
    [`$7$99999999999$${salt12}$${hash64}`, /is not \$7\$/],
    [`$6$${salt12}$${hash64.slice(4)}`, /SHA-512/],
    [`$6$${salt12}$${hash64}:`, /not base64/],
    [`$6$${salt12}$${hash64.replace('==', '')}`, /not base64/],
    [`$scrypt$ln=15,r=8,p=1$${salt16}$`, /is not \$scrypt/],
    [`$scrypt$ln=15,r=8,p=1$${salt16}$${hash32}=`, /not base64/],
    [`$scrypt$ln=19,r=8,p=1$${salt16}$${hash32}`, /costs too much/],
    [`$scrypt$ln=10,r=8,p=17$${salt16}$${hash32}`, /costs too much/],
    [`$scrypt$ln=99,r=9999,p=999$${salt16}$${hash32}`, /costs too much/],
    [`$argon2id$v=19$m=262145,t=1,p=1$${salt16}$${hash32}`, /costs too much/],
    [`$argon2id$v=19$m=262144,t=9,p=1$${salt16}$${hash32}`, /costs too much/],
    [`$argon2id$v=19$m=1024,t=1,p=17$${salt16}$${hash32}`, /costs too much/],
    [`$argon2id$v=19$m=7,t=1,p=1$${salt16}$${hash32}`, /less than 8/],
  ])('is not %j', (text, why) => {
    const problem = parsePasswordHash(text)
    expect(problem).toMatch(why)
    expect(problem).not.toContain('pencil')
  })
})

describe('Argon2', () => {
  const hash = parsePasswordHash(vectors[2]![1]) as PasswordHash & { scheme: 'argon2id' }

  it('is that of Node where it has it', async () => {
    const asked: unknown[] = []
    const argon2 = await loadArgon2({
      node: (algorithm, parameters, done) => {
        asked.push(algorithm, parameters)
        done(null, hash.hash)
      },
      load: () => Promise.reject(new Error('not needed')),
    })
    expect(await verifyPassword(hash, Buffer.from('password'), argon2)).toBe(true)
    const cost = { tagLength: 32, memory: 256, passes: 2, parallelism: 1 }
    expect(asked).toEqual(['argon2id', { message: Buffer.from('password'), nonce: Buffer.from('somesalt'), ...cost }])
  })

  it('that fails is an error, not a wrong password', async () => {
    const argon2 = await loadArgon2({
      node: (_, __, done) => done(new Error('out of memory'), new Uint8Array(0)),
      load: () => Promise.reject(new Error('not needed')),
    })
    await expect(verifyPassword(hash, Buffer.from('password'), argon2)).rejects.toThrow('out of memory')
    await expect(verifyPassword(hash, Buffer.from('password'), undefined)).rejects.toThrow(
      'no implementation of Argon2id',
    )
  })

  it('that is not available is an error that names what to install', async () => {
    const load = () => Promise.reject(new Error("Cannot find package '@node-rs/argon2'"))
    await expect(loadArgon2({ node: undefined, load })).rejects.toThrow(
      /Node 24\.7 or newer, or install .*@node-rs\/argon2/,
    )
  })
})
