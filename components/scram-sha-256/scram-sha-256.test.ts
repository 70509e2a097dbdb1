import { beforeAll, describe, expect, it } from 'vitest'
import type { AuthenticationStep } from '../../src/kinds/authentication-method.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { authenticationMethodContract } from '../../test/contract/authentication-method.ts'
import { ScramClient, type ScramClientOptions } from '../../test/helpers/scram-client.ts'
import type { Credential } from './credential.ts'
import { deriveKeys } from './keys.ts'
import { ScramSha256 } from './scram-sha-256.ts'

/** The example of section 3 of RFC 7677. */
const example = {
  clientNonce: 'rOprNGfwEbeRWgbNEkqO',
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}
const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const client = { clientId: 'c', userName: undefined, peer: UNKNOWN_PEER }

const credentialOf = async (password: string, iterations = 4_096, ownSalt: Uint8Array = salt): Promise<Credential> => ({
  salt: ownSalt,
  iterations,
  ...(await deriveKeys(password, ownSalt, iterations)),
})

let credentials: ReadonlyMap<string, Credential>
beforeAll(async () => {
  credentials = new Map([
    ['user', await credentialOf('pencil')],
    ['a=b,c', await credentialOf('pencil', 5_000, Buffer.alloc(40, 7))],
    ['ⅸ'.normalize('NFKC'), await credentialOf('pencil')],
  ])
})
const create = (serverNonce?: string) =>
  serverNonce === undefined ? new ScramSha256(credentials) : new ScramSha256(credentials, () => serverNonce)

const begin = (serverNonce?: string) => create(serverNonce).begin(client)
const text = (step: AuthenticationStep): string | undefined =>
  'data' in step && step.data !== undefined ? Buffer.from(step.data).toString() : undefined
const step = (exchange: ReturnType<typeof begin>, message: string) =>
  exchange.step(Buffer.from(message)) as AuthenticationStep
/** A whole exchange. */
const authenticate = (options: ScramClientOptions, method = create()) => {
  const exchange = method.begin(client)
  const partner = new ScramClient(options)
  const challenge = exchange.step(partner.first()) as AuthenticationStep
  if (challenge.result !== 'continue') return { partner, verdict: challenge }
  return { partner, challenge, verdict: exchange.step(partner.answer(challenge.data)) as AuthenticationStep }
}
const refusedWith = (why: string) => ({
  result: 'failure',
  reasonCode: ReasonCode.NotAuthorized,
  why: `SCRAM-SHA-256: ${why}`,
})

authenticationMethodContract('scramSha256', {
  create: () => create(),
  genuine: () => new ScramClient(),
  userName: 'user',
  impostors: {
    'a wrong password': () => new ScramClient({ password: 'Pencil' }),
    'an unknown name': () => new ScramClient({ user: 'nobody' }),
    'another authorization identity': () => new ScramClient({ gs2Header: 'n,a=root,' }),
  },
})

describe('an exchange', () => {
  it('goes as the example of RFC 7677, to the letter', () => {
    const exchange = begin(example.serverNonce)
    const challenge = step(exchange, example.clientFirst)
    expect([challenge.result, text(challenge)]).toEqual(['continue', example.serverFirst])
    const verdict = step(exchange, example.clientFinal)
    expect(verdict).toMatchObject({ result: 'success', userName: 'user' })
    expect(text(verdict)).toBe(example.serverFinal)
  })

  it('has a test client that speaks as that of the example', () => {
    const partner = new ScramClient({ nonce: example.clientNonce })
    expect(partner.first().toString()).toBe(example.clientFirst)
    expect(partner.answer(Buffer.from(example.serverFirst)).toString()).toBe(example.clientFinal)
    expect(partner.verifies(Buffer.from(example.serverFinal))).toBe(true)
    expect(partner.verifies(Buffer.from('v='))).toBe(false)
  })

  it.each<[string, ScramClientOptions]>([
    ['y as a channel binding flag', { gs2Header: 'y,,' }],
    ['its own user as the authorization identity', { gs2Header: 'n,a=user,' }],
    ['optional extensions', { extensions: ',x=y,z=1' }],
    ['a name with a comma and an equals sign', { user: 'a=b,c' }],
    ['such a name to act as', { user: 'a=b,c', gs2Header: 'y,a=a=3Db=2Cc,' }],
    ['a name that is the same in form KC', { user: 'ⅸ' }],
    ['a name with a soft hyphen', { user: 'us\u{ad}er' }],
  ])('accepts %s', (_, options) => {
    const { partner, verdict } = authenticate(options)
    expect(verdict.result).toBe('success')
    expect(partner.verifies(Buffer.from(text(verdict)!))).toBe(true)
  })

  it('uses a new nonce for every exchange', () => {
    const nonces = Array.from({ length: 100 }, () => text(step(begin(), example.clientFirst))!.split(',')[0])
    expect(new Set(nonces).size).toBe(100)
    expect(nonces[0]).toMatch(/^r=rOprNGfwEbeRWgbNEkqO[A-Za-z0-9+/]{24}$/)
  })

  it('refuses an answer to another exchange', () => {
    const partner = new ScramClient()
    const [recorded, replayed] = [begin(), begin()]
    const challenge = recorded.step(partner.first()) as AuthenticationStep & { data: Uint8Array }
    const answer = partner.answer(challenge.data)
    expect(recorded.step(answer)).toMatchObject({ result: 'success' })
    replayed.step(partner.first())
    expect(replayed.step(answer)).toEqual(refusedWith('the nonce is not that of this exchange'))
  })

  it('refuses a channel binding that is not that of the first message, as after a downgrade', () => {
    const exchange = begin(example.serverNonce)
    step(exchange, example.clientFirst.replace('n,,', 'y,,'))
    expect(step(exchange, example.clientFinal)).toEqual(
      refusedWith('the channel binding is not that of the first message'),
    )
  })
})

describe('a user that does not exist', () => {
  it('is distinguished from a wrong password only in the log', () => {
    const unknown = authenticate({ user: 'nobody' })
    const wrong = authenticate({ password: 'x' })
    expect(unknown.verdict).toEqual(refusedWith('there is no such user'))
    expect(wrong.verdict).toEqual(refusedWith('the proof is wrong'))
  })

  it('has a salt and iterations that look like those of a user and stay the same after a restart', () => {
    const challengeOf = (user: string) => text(authenticate({ user, nonce: 'n' }, create('s')).challenge!)!
    for (const name of ['nobody', 'root', '__proto__', 'User']) {
      expect(challengeOf(name)).toBe(challengeOf(name))
      expect(challengeOf(name)).toMatch(/^r=ns,s=([A-Za-z0-9+/]{22}==,i=4096|[A-Za-z0-9+/]{54}==,i=5000)$/)
    }
    const names = Array.from({ length: 50 }, (_, index) => challengeOf(`user ${index}`))
    expect(new Set(names).size).toBe(50)
    expect(new Set(names.map((challenge) => challenge.split('i=')[1]))).toEqual(new Set(['4096', '5000']))
  })

  it('goes through the exchange even when there are no users at all', () => {
    const { challenge, verdict } = authenticate({ user: 'nobody' }, new ScramSha256(new Map()))
    expect(text(challenge!)).toMatch(/,s=[A-Za-z0-9+/]{22}==,i=4096$/)
    expect(verdict).toEqual(refusedWith('there is no such user'))
  })
})

describe('a first message', () => {
  it.each([
    ['', 'no gs2 header'],
    ['n', 'cut off'],
    ['n,,', 'nothing behind the header'],
    ['x,,n=user,r=abc', 'an unknown flag'],
    ['n,user,n=user,r=abc', 'an authorization identity without a='],
    ['n,a=,n=user,r=abc', 'an empty one'],
    ['n,a=us=er,n=user,r=abc', 'one that is not escaped'],
    ['n,,n=,r=abc', 'an empty name'],
    ['n,,n=us=er,r=abc', 'a name that is not escaped'],
    ['n,,n=us=2cer,r=abc', 'an escape in small letters'],
    ['n,,n=user', 'no nonce'],
    ['n,,n=user,r=', 'an empty nonce'],
    ['n,,n=user,r=a b', 'a nonce that is not printable'],
    ['n,,n=user,r=é', 'a nonce that is not ASCII'],
    ['n,,n=user,r=abc,', 'a comma at the end'],
    ['n,,n=user,r=abc,xyz', 'an extension without a name'],
    ['n,,r=abc,n=user', 'nonce and name swapped'],
    ['n,,n=us\0er,r=abc', 'U+0000'],
  ])('%j is malformed: %s', (message) => {
    expect(step(begin(), message)).toMatchObject({ result: 'failure', reasonCode: ReasonCode.ProtocolError })
  })

  it('is malformed when it is not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('n,,n='), Buffer.of(0xc0, 0x80), Buffer.from(',r=abc')])
    expect(begin().step(bytes)).toMatchObject({ result: 'failure', reasonCode: ReasonCode.ProtocolError })
  })

  it.each([
    ['p=tls-unique,,n=user,r=abc', 'channel binding is not supported'],
    ['n,,m=x,n=user,r=abc', 'the first message demands an extension that is not supported'],
    ['n,a=root,n=user,r=abc', 'a client may act as its own user alone'],
    ['n,a=us\u{7}er,n=us\u{7}er,r=abc', 'the user name holds characters that no name may have'],
    ['n,,n=\u{ad},r=abc', 'the user name holds characters that no name may have'],
  ])('%j is refused: %s', (message, why) => {
    expect(step(begin(), message)).toEqual(refusedWith(why))
  })

  it('of 2,048 bytes is accepted, and of 2,049 bytes is refused', () => {
    expect(step(begin(), `n,,n=${'u'.repeat(2_048 - 11)},r=abc`).result).toBe('continue')
    expect(step(begin(), `n,,n=${'u'.repeat(2_049 - 11)},r=abc`).result).toBe('failure')
  })
})

describe('a final message', () => {
  const { clientFinal } = example
  const proof = clientFinal.split(',p=')[1]!
  it.each([
    [clientFinal.replace('c=biws,', ''), 'no channel binding'],
    [clientFinal.replace(/r=[^,]*,/, ''), 'no nonce'],
    [clientFinal.replace(/,p=.*/, ''), 'no proof'],
    [`${clientFinal},x=y`, 'something behind the proof'],
    [clientFinal.replace(proof, ''), 'an empty proof'],
    [clientFinal.replace(proof, proof.slice(0, -1)), 'a proof without its padding'],
    [clientFinal.replace(proof, proof.replace('VQ=', 'VR=')), 'a proof whose last bits are not zero'],
    [clientFinal.replace(proof, Buffer.alloc(31).toString('base64')), 'a proof of 31 bytes'],
    [clientFinal.replace(proof, Buffer.alloc(33).toString('base64')), 'a proof of 33 bytes'],
  ])('%j is malformed: %s', (message) => {
    const exchange = begin(example.serverNonce)
    step(exchange, example.clientFirst)
    expect(step(exchange, message)).toMatchObject({ result: 'failure', reasonCode: ReasonCode.ProtocolError })
    expect(step(exchange, clientFinal)).toMatchObject({ result: 'failure', why: 'SCRAM-SHA-256: the exchange is over' })
  })

  it('of 2,048 bytes is accepted, and of 2,049 bytes is refused', () => {
    const reasonCodeAt = (length: number) => {
      const exchange = begin(example.serverNonce)
      step(exchange, example.clientFirst)
      const extension = `,x=${'y'.repeat(length - clientFinal.length - 3)}`
      return (step(exchange, clientFinal.replace(',p=', `${extension},p=`)) as { reasonCode?: number }).reasonCode
    }
    expect(reasonCodeAt(2_048)).toBe(ReasonCode.NotAuthorized)
    expect(reasonCodeAt(2_049)).toBe(ReasonCode.ProtocolError)
  })

  it.each([
    [clientFinal.replace('biws', 'eSws'), 'the channel binding is not that of the first message'],
    [clientFinal.replace('$k0', '$k1'), 'the nonce is not that of this exchange'],
    [clientFinal.replace(/r=[^,]*/, `r=${example.clientNonce}`), 'the nonce is not that of this exchange'],
    [clientFinal.replace(',p=', ',x=y,p='), 'the proof is wrong'],
    [clientFinal.replace(proof, Buffer.alloc(32).toString('base64')), 'the proof is wrong'],
  ])('%j is refused: %s', (message, why) => {
    const exchange = begin(example.serverNonce)
    step(exchange, example.clientFirst)
    expect(step(exchange, message)).toEqual(refusedWith(why))
  })
})
