import { createHmac, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AuthenticatedIdentity, AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { authenticatorContract } from '../../test/contract/authenticator.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { jwtConfig } from './config.ts'
import { jwt as component } from './index.ts'
import { Jwt } from './jwt.ts'
import { measuresOf } from './measures.ts'

const secret = 'a secret of at least thirty-two bytes'
const names = { issuer: 'https://issuer.example', audience: 'broker' }
const peer = peerAt('127.0.0.1:1')

let folder: string
let log: RecordingLogger
const opened: Jwt[] = []
let ec: GenerateKeyPairResult
let otherEc: GenerateKeyPairResult
let rsa: GenerateKeyPairResult
let ed: GenerateKeyPairResult
beforeAll(async () => {
  ;[ec, otherEc, rsa, ed] = await Promise.all([
    generateKeyPair('ES256', { extractable: true }),
    generateKeyPair('ES256', { extractable: true }),
    generateKeyPair('RS256', { extractable: true }),
    generateKeyPair('EdDSA', { extractable: true }),
  ])
  folder = await mkdtemp(join(tmpdir(), 'jwt-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  log = new RecordingLogger()
})
afterEach(() => {
  for (const each of opened.splice(0)) each.stop()
})

const open = async (config: object): Promise<Jwt> => {
  const jwt = await Jwt.open('jwt', jwtConfig.parse({ ...names, ...config }), log)
  opened.push(jwt)
  return jwt
}
const withSecret = (more: object = {}) => open({ algorithms: ['HS256'], secret, ...more })
const file = async (name: string, content: string | object): Promise<string> => {
  const path = join(folder, name)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const sign = (
  claims: JWTPayload = {},
  alg = 'HS256',
  key: CryptoKey | Uint8Array = Buffer.from(secret),
  header: object = {},
) =>
  new SignJWT({ iss: names.issuer, aud: names.audience, sub: 'ann', exp: seconds(60), ...claims })
    .setProtectedHeader({ alg, ...header })
    .sign(key)
const seconds = (fromNow: number): number => Math.floor(Date.now() / 1_000) + fromNow
const ask = async (jwt: Jwt, password: string | undefined, userName?: string, clientId = 'c') =>
  jwt.authenticate({ clientId, userName, password: password === undefined ? undefined : Buffer.from(password), peer })
const denied = { result: 'deny' }
const why = (answer: AuthenticationAnswer): string => (answer.result === 'deny' ? answer.why : answer.result)
const identityOf = (answer: AuthenticationAnswer): AuthenticatedIdentity => {
  if (answer.result !== 'allow') throw new Error(`not allowed: ${why(answer)}`)
  return { clientId: 'c', userName: answer.userName, peer, attributes: answer.attributes }
}

const contractTokens = {
  ann: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYnJva2VyIiwic3ViIjoiYW5uIn0',
  bob: 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYnJva2VyIiwic3ViIjoiYm9iIn0',
}
/** Tokens without `exp`, whose text is the same in each run. */
const signed = (text: string) => `${text}.${hmac(text)}`

authenticatorContract('jwt', {
  create: () => withSecret({ requireExpiry: false, userNameMustMatch: true }),
  users: [
    { userName: 'ann', password: signed(contractTokens.ann) },
    { userName: 'bob', password: signed(contractTokens.bob) },
  ],
  wrongPassword: 'either',
})

describe('a token', () => {
  it.each(['HS256', 'HS384', 'HS512'])('signed with %s is accepted', async (alg) => {
    const long = 'x'.repeat(64)
    const jwt = await open({ algorithms: [alg], secret: long })
    expect(await ask(jwt, await sign({}, alg, Buffer.from(long)))).toMatchObject({ result: 'allow', userName: 'ann' })
  })

  it.each(['RS256', 'RS512', 'PS256', 'ES256', 'EdDSA'])('signed with %s is accepted', async (alg) => {
    const pair = alg === 'ES256' ? ec : alg === 'EdDSA' ? ed : await generateKeyPair(alg, { extractable: true })
    const publicKeyFile = await file(`${alg}.pem`, await exportSPKI(pair.publicKey))
    const jwt = await open({ algorithms: [alg], publicKeyFile })
    expect(await ask(jwt, await sign({}, alg, pair.privateKey))).toMatchObject({ result: 'allow', userName: 'ann' })
  })

  it.each([
    ['of another issuer', { iss: 'https://evil.example' }, 'the claim iss of the token is missing or wrong'],
    ['without issuer', { iss: undefined }, 'the claim iss of the token is missing or wrong'],
    ['for another audience', { aud: 'other' }, 'the claim aud of the token is missing or wrong'],
    ['without audience', { aud: undefined }, 'the claim aud of the token is missing or wrong'],
    ['that has expired', { exp: seconds(-60) }, 'the token is not valid now (exp)'],
    ['without expiry', { exp: undefined }, 'the claim exp of the token is missing or wrong'],
    ['with an expiry that is no number', { exp: '1' as never }, 'the claim exp of the token is missing or wrong'],
    ['that is not valid yet', { nbf: seconds(60) }, 'the token is not valid now (nbf)'],
    ['without user', { sub: undefined }, 'the claim sub of the token is no user name'],
    ['with an empty user', { sub: '' }, 'the claim sub of the token is no user name'],
    ['with a user that is no text', { sub: ['ann'] as never }, 'the claim sub of the token is no user name'],
    ['with U+0000 in its user', { sub: 'a\0b' }, 'the claim sub of the token is no user name'],
    ['with half a character in its user', { sub: '\ud800' }, 'the claim sub of the token is no user name'],
    ['with rights that are not understood', { acl: 'all' }, 'the token cannot be used: acl: it is not a list of rules'],
    ['of a superuser by a text', { is_superuser: 'false' }, /superuser is neither true nor false/],
  ])('%s is refused', async (_, claims, expected) => {
    const answer = await ask(await withSecret(), await sign(claims as JWTPayload))
    expect(why(answer)).toMatch(expected)
    expect(answer).toMatchObject(denied)
  })

  it('with another signature is refused, and the answer does not hold the token', async () => {
    const jwt = await withSecret()
    const token = await sign({}, 'HS256', Buffer.from('another secret of thirty-two bytes'))
    const answer = await ask(jwt, token)
    expect(answer).toMatchObject(denied)
    expect(JSON.stringify([answer, log.lines])).not.toContain(token.split('.')[2])
  })

  it('whose content was changed is refused', async () => {
    const [header, , signature] = (await sign()).split('.')
    const payload = Buffer.from(JSON.stringify({ ...names, iss: names.issuer, aud: names.audience, sub: 'root' }))
    expect(await ask(await withSecret(), `${header}.${payload.toString('base64url')}.${signature}`)).toMatchObject(
      denied,
    )
  })

  it('of algorithm none is refused, in all of its spellings', async () => {
    const payload = (await sign()).split('.')[1]
    const jwt = await withSecret()
    for (const alg of ['none', 'None', 'NONE', '', null, 7]) {
      const header = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url')
      for (const signature of ['', 'AAAA']) {
        expect(await ask(jwt, `${header}.${payload}.${signature}`)).toMatchObject(denied)
      }
    }
  })

  it('of HS256 that is signed with the public key is refused', async () => {
    const pem = await exportSPKI(rsa.publicKey)
    const jwt = await open({ algorithms: ['RS256'], publicKeyFile: await file('rsa.pem', pem) })
    for (const key of [pem, pem.trim()]) {
      expect(await ask(jwt, await sign({}, 'HS256', Buffer.from(key)))).toMatchObject(denied)
    }
  })

  it('with an algorithm that is not listed is refused, also if the key fits', async () => {
    const jwt = await open({
      algorithms: ['RS256'],
      publicKeyFile: await file('rsa.pem', await exportSPKI(rsa.publicKey)),
    })
    const privateKey = await crypto.subtle.importKey(
      'pkcs8',
      await crypto.subtle.exportKey('pkcs8', rsa.privateKey),
      { name: 'RSA-PSS', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    expect(why(await ask(jwt, await sign({}, 'PS256', privateKey)))).toMatch('ERR_JOSE_ALG_NOT_ALLOWED')
  })

  it('with a key of its own is refused', async () => {
    const jwt = await open({
      algorithms: ['ES256'],
      publicKeyFile: await file('ec.pem', await exportSPKI(ec.publicKey)),
    })
    const header = { jwk: await exportJWK(otherEc.publicKey), jku: 'http://127.0.0.1:1/', kid: '../../dev/null' }
    expect(await ask(jwt, await sign({}, 'ES256', otherEc.privateKey, header))).toMatchObject(denied)
    const critical = { crit: ['b64'], b64: false }
    expect(
      await ask(jwt, await sign({}, 'ES256', otherEc.privateKey, critical).catch(() => 'eyJhbGciOiJFUzI1NiJ9.e30.AA')),
    ).toMatchObject(denied)
  })

  it('over maximumTokenBytes is refused before it is read', async () => {
    const jwt = await withSecret({ maximumTokenBytes: 300 })
    expect(await ask(jwt, await sign())).toMatchObject({ result: 'allow' })
    expect(why(await ask(jwt, await sign({ more: 'x'.repeat(300) })))).toMatch('maximumTokenBytes')
  })

  it('may be off by clockToleranceSeconds', async () => {
    const jwt = await withSecret({ clockToleranceSeconds: 30 })
    const answer = await ask(jwt, await sign({ exp: seconds(-10), nbf: seconds(10) }))
    expect(answer).toMatchObject({ result: 'allow' })
    // It is let in until its time is over by that much.
    expect((answer as { expiresAtMs: number }).expiresAtMs).toBeGreaterThan(Date.now())
  })

  it('sets the end of the connection', async () => {
    const exp = seconds(1_000)
    const at = { expiresAtMs: (exp + 5) * 1_000 }
    expect(await ask(await withSecret(), await sign({ exp }))).toMatchObject(at)
    const stays = await ask(await withSecret({ disconnectAfterExpiry: false }), await sign({ exp }))
    expect(stays).not.toHaveProperty('expiresAtMs')
    for (const far of [1e300, Number.MAX_VALUE]) {
      expect(await ask(await withSecret(), await sign({ exp: far }))).toMatchObject({ result: 'allow' })
    }
  })
})

describe('a password that is no token', () => {
  it.each([
    undefined,
    '',
    'pencil',
    'a.b.c',
    'eyJ',
    'eyJ9.eyJ9.',
    'e30.e30.e30',
    'eyJhbGciOiJIUzI1NiJ9',
    `${'e30.'.repeat(4)}e30`,
  ])('is passed on: %s', async (password) => {
    const jwt = await withSecret()
    expect(await ask(jwt, password, 'ann')).toEqual({ result: 'pass' })
    expect(jwt.counters.passed).toBe(1)
  })
})

describe('the names of CONNECT', () => {
  it('are not used unless the config enables it', async () => {
    const jwt = await withSecret()
    expect(await ask(jwt, await sign(), 'root')).toMatchObject({ result: 'allow', userName: 'ann' })
  })

  it('must be those of the token if the config requires it', async () => {
    const jwt = await withSecret({ userNameMustMatch: true, claims: { clientId: 'client' } })
    const token = await sign({ client: 'c-1' })
    expect(await ask(jwt, token, 'ann', 'c-1')).toMatchObject({ result: 'allow' })
    expect(await ask(jwt, token, undefined, 'c-1')).toMatchObject({ result: 'allow' })
    expect(await ask(jwt, token, 'root', 'c-1')).toMatchObject(denied)
    expect(await ask(jwt, token, 'ann', 'c-2')).toMatchObject(denied)
    expect(await ask(jwt, await sign(), 'ann', 'c-1')).toMatchObject(denied)
  })

  it('may hold the token', async () => {
    const jwt = await withSecret({ tokenIn: 'userName' })
    // It is a secret.
    expect([jwt.hidesUserNames, (await withSecret()).hidesUserNames]).toEqual([true, false])
    expect(await ask(jwt, undefined, await sign())).toMatchObject({ result: 'allow', userName: 'ann' })
    expect(await ask(jwt, await sign(), 'ann')).toEqual({ result: 'pass' })
  })
})

it('takes groups, values, rules and the superuser from the claims that the config names', async () => {
  const claims = { userName: 'user', groups: 'roles', clientAttributes: 'attrs', acl: 'rules', isSuperuser: 'root' }
  const acl = [{ permission: 'allow', action: 'publish', topic: `site/$\{client_attrs.site}/#` }]
  const token = await sign({ user: 'eve', roles: ['staff'], attrs: { site: 's-1' }, rules: acl, root: true })
  expect(await ask(await withSecret({ claims }), token)).toMatchObject({
    result: 'allow',
    userName: 'eve',
    attributes: {
      isSuperuser: true,
      groups: ['staff'],
      values: { site: 's-1' },
      rules: [{ action: 'publish', filter: 'site/%{site}/#', allow: true }],
    },
  })
  const inherited = await withSecret({ claims: { userName: 'toString', isSuperuser: 'constructor' } })
  expect(await ask(inherited, await sign())).toMatchObject(denied)
})

it('cannot claim the name of a key', async () => {
  const jwt = await withSecret()
  const { attributes } = identityOf(await ask(jwt, await sign({ client_attrs: { jwt_key: 'mine' } })))
  expect(attributes?.values?.['jwt_key']).not.toBe('mine')
})

it('refuses clients with Server busy when too many tokens are checked', async () => {
  const jwt = await withSecret({ maximumVerifying: 2 })
  const token = await sign()
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(jwt, token)))
  expect(answers.map(({ result }) => result)).toEqual(['allow', 'allow', 'deny', 'deny'])
  expect(answers[3]).toMatchObject({ reasonCode: ReasonCode.ServerBusy })
  expect(log.at('warn')).toHaveLength(1)
  expect(await ask(jwt, token)).toMatchObject({ result: 'allow' })
  expect(jwt.verifying).toBe(0)
})

describe('a file with keys', () => {
  it('that does not parse, is missing or does not fit refuses to start', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const ecPem = await exportSPKI(ec.publicKey)
    const jwk = { ...(await exportJWK(ec.publicKey)), kid: '1' }
    const wrong: [object, RegExp][] = [
      [
        { algorithms: ['ES256'], publicKeyFile: join(folder, 'missing') },
        /^publicKeyFile .*missing cannot be used: ENOENT/,
      ],
      [{ algorithms: ['ES256'], publicKeyFile: folder }, /^publicKeyFile .* cannot be used: EISDIR/],
      [{ algorithms: ['ES256'], publicKeyFile: await file('a', 'nonsense') }, /holds 0 keys/],
      [
        { algorithms: ['ES256'], publicKeyFile: await file('b', '-----BEGIN PUBLIC KEY-----\nAA\n') },
        /not a public key/,
      ],
      [{ algorithms: ['EdDSA'], publicKeyFile: await file('c', privatePem) }, /private key/],
      [{ algorithms: ['RS256'], publicKeyFile: await file('d', ecPem) }, /does not fit the algorithms/],
      [{ algorithms: ['ES384'], publicKeyFile: await file('d', ecPem) }, /does not fit the algorithms/],
      [{ algorithms: ['ES256'], publicKeyFile: await file('e', ecPem + ecPem) }, /holds 2 keys/],
      [{ algorithms: ['HS256'], secretFile: await file('f1', '') }, /0 bytes; HS256 needs at least 32/],
      [{ algorithms: ['HS256', 'HS512'], secretFile: await file('f2', 'x'.repeat(32)) }, /HS512 needs at least 64/],
      [{ algorithms: ['HS256'], secretFile: await file('f3', '!'.repeat(99)), secretIsBase64: true }, /not base64/],
      [{ algorithms: ['ES256'], jwksFile: await file('g', '{') }, /not JSON/],
      [{ algorithms: ['ES256'], jwksFile: await file('h', {}) }, /malformed/],
      [{ algorithms: ['ES256'], jwksFile: await file('i', { keys: [] }) }, /it has no key for/],
      [{ algorithms: ['ES256'], jwksFile: await file('j', { keys: [{ ...jwk, x: 'AA' }] }) }, /key 1 is not valid/],
      [
        { algorithms: ['ES256'], jwksFile: await file('k', { keys: [jwk, { kty: 'oct', k: 'AA' }] }) },
        /key 2 is a secret/,
      ],
      [{ algorithms: ['RS256'], jwksFile: await file('l', { keys: [jwk] }) }, /it has no key for/],
    ]
    for (const [config, message] of wrong) await expect(open(config)).rejects.toThrow(message)
  })

  it('is read again when it changes; a client whose key was removed is no longer accepted', async () => {
    const key = async (pair: GenerateKeyPairResult, kid: string) => ({ ...(await exportJWK(pair.publicKey)), kid })
    const jwksFile = await file('set.json', { keys: [await key(ec, 'one'), await key(otherEc, 'two')] })
    const jwt = await open({ algorithms: ['ES256'], jwksFile })
    let revocations = 0
    jwt.onRevocation(() => (revocations += 1))
    const one = await sign({}, 'ES256', ec.privateKey, { kid: 'one' })
    const two = await sign({}, 'ES256', otherEc.privateKey, { kid: 'two' })
    const identities = [identityOf(await ask(jwt, one)), identityOf(await ask(jwt, two))]
    expect(await ask(jwt, await sign({}, 'ES256', ec.privateKey, { kid: 'two' }))).toMatchObject(denied)
    expect(await jwt.refresh()).toBeUndefined()
    expect([revocations, ...identities.map((each) => jwt.accepts(each))]).toEqual([0, true, true])

    await file('set.json', { keys: [await key(otherEc, 'two')] })
    expect(await jwt.refresh()).toBe('1 key')
    expect([revocations, ...identities.map((each) => jwt.accepts(each))]).toEqual([1, false, true])
    expect(await ask(jwt, one)).toMatchObject(denied)
    expect(await ask(jwt, two)).toMatchObject({ result: 'allow' })
  })

  it('that gets a further key revokes no client, and its new key is used', async () => {
    const one = { ...(await exportJWK(ec.publicKey)), kid: 'one' }
    const jwksFile = await file('more.json', { keys: [one] })
    const jwt = await open({ algorithms: ['ES256'], jwksFile })
    let revocations = 0
    jwt.onRevocation(() => (revocations += 1))
    const identity = identityOf(await ask(jwt, await sign({}, 'ES256', ec.privateKey, { kid: 'one' })))
    const later = await sign({}, 'ES256', otherEc.privateKey, { kid: 'two' })
    expect(why(await ask(jwt, later))).toContain('ERR_JWKS_NO_MATCHING_KEY')
    await file('more.json', { keys: [one, { ...(await exportJWK(otherEc.publicKey)), kid: 'two' }] })
    expect(await jwt.refresh()).toBe('2 keys')
    expect([revocations, jwt.accepts(identity)]).toEqual([0, true])
    expect(await ask(jwt, later)).toMatchObject({ result: 'allow' })
  })

  it('that becomes unreadable leaves the previous keys in force', async () => {
    const jwt = await open({ algorithms: ['HS256'], secretFile: await file('secret', `${secret}\n`) })
    await file('secret', 'short')
    await expect(jwt.refresh()).rejects.toThrow(/secretFile .* needs at least 32/)
    expect(await ask(jwt, await sign())).toMatchObject({ result: 'allow' })
    expect(log.at('error')).toHaveLength(1)
    expect(JSON.stringify(log.lines)).not.toContain(secret)
  })

  it('may be in base64', async () => {
    const secretFile = await file('secret64', Buffer.from(secret).toString('base64'))
    const jwt = await open({ algorithms: ['HS256'], secretFile, secretIsBase64: true })
    expect(await ask(jwt, await sign())).toMatchObject({ result: 'allow' })
  })
})

it('uses the keys of a set that are for signatures, of the type and for the algorithm of the config', async () => {
  const jwk = async (pair: GenerateKeyPairResult, more: object) => ({ ...(await exportJWK(pair.publicKey)), ...more })
  const keys = [
    await jwk(ed, { kid: 'one' }),
    await jwk(rsa, { kid: 'another type' }),
    await jwk(ec, { kid: 'another curve' }),
    await jwk(ed, { kid: 'for encryption', use: 'enc' }),
    await jwk(ec, { kid: 'another algorithm', alg: 'ES384' }),
  ]
  const jwt = await open({ algorithms: ['EdDSA'], jwksFile: await file('mixed.json', { keys }) })
  expect(jwt.keyCount).toBe(1)
  expect(await ask(jwt, await sign({}, 'EdDSA', ed.privateKey, { kid: 'one' }))).toMatchObject({ result: 'allow' })
  const wrong = [{ ...keys[2], crv: undefined }, keys[4], { ...keys[2], use: 'enc' }]
  const jwksFile = await file('wrong.json', { keys: wrong })
  await expect(open({ algorithms: ['ES256'], jwksFile })).rejects.toThrow('it has no key for ES256')
})

it('is a component: it is started, read again, and stopped', async () => {
  const config = jwtConfig.parse({ ...names, algorithms: ['HS256'], secret })
  const context = lifecycleContext('tokens')
  const jwt = await component.start(config, { logger: log }, context)
  expect(await ask(jwt, await sign())).toMatchObject({ result: 'allow' })
  // A secret of the config never changes.
  expect(await component.refresh!(jwt, context)).toBeUndefined()
  await component.stop!(jwt, context)
  const remote = jwtConfig.parse({ ...names, algorithms: ['ES256'], jwksUrl: 'https://keys.example/set' })
  expect(component.describe!(remote)).toBe('ES256 by keys.example')
})

it('a secret of the config has no file to read again, and no other key to ask for', async () => {
  const jwt = await withSecret()
  expect(await jwt.refresh()).toBeUndefined()
  expect(why(await ask(jwt, await sign({}, 'HS256', Buffer.from(secret), { kid: 'another' })))).toBe('allow')
})

it('has measures', async () => {
  const jwt = await withSecret()
  await ask(jwt, await sign())
  expect(Object.fromEntries(measuresOf(jwt).map(({ name, read }) => [name, read()]))).toMatchObject({
    known: 1,
    allowed: 1,
  })
  expect(component.describe!(jwtConfig.parse({ ...names, algorithms: ['HS256'], secret }))).toBe('HS256')
})

function hmac(text: string): string {
  return createHmac('sha256', secret).update(text).digest('base64url')
}
