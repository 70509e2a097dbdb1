import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type {
  AuthenticatedIdentity,
  AuthenticationAnswer,
  Authenticator,
  Credentials,
} from '../../src/kinds/authenticator.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { runs } from '../helpers/full-run.ts'
import { peerAt } from '../helpers/peer-at.ts'
import { userDirectoryContract } from './user-directory.ts'

/** A user that the authenticator under test allows. */
export interface KnownUser {
  readonly userName: string
  readonly password: string
  /** Where the client comes from, with what TLS found out. A loopback address unless told otherwise. */
  readonly peer?: Peer
  /** The user of the answer; `userName` unless told otherwise. */
  readonly allowedAs?: string
}

export interface AuthenticatorUnderTest {
  /** Makes one that knows the users. The test file releases it. */
  create(): Authenticator | Promise<Authenticator>
  /** Users with different passwords. No password begins with another one. */
  readonly users: readonly [KnownUser, KnownUser, ...KnownUser[]]
  /** The answer to a known user with a wrong password; `deny` unless told otherwise. */
  readonly wrongPassword?: 'deny' | 'pass' | 'either'
  /** The answer to a user that it does not know; either one unless told otherwise. */
  readonly unknownUser?: 'deny' | 'pass'
  /** Clients with generated names and passwords; 100 by default, a tenth of them in the fast suite. Fewer where a check takes long. */
  readonly runs?: number
}

/** What every Authenticator must do. */
export const authenticatorContract = (name: string, test: AuthenticatorUnderTest): void => {
  describe(`${name} as an Authenticator`, () => {
    let authenticator: Authenticator
    beforeEach(async () => {
      authenticator = await test.create()
    })
    const ask = async (credentials: Credentials): Promise<AuthenticationAnswer> =>
      authenticator.authenticate(Object.freeze(credentials))
    const [first, second] = test.users
    const wrongPassword = test.wrongPassword ?? 'deny'

    it('has a name', () => {
      expect(authenticator.name).toMatch(/./)
    })

    it('allows each user with its password, by its name, and does so again', async () => {
      for (let round = 0; round < 2; round += 1) {
        for (const user of test.users) expectAllowed(await ask(credentialsOf(user)), user)
      }
    })

    it('does not allow a wrong password, nor that of another user, a longer one or a shorter one', async () => {
      const wrong = ['wrong', `${first.password}x`, first.password.slice(0, -1), second.password, `${first.password}\0`]
      for (const password of wrong) {
        const answer = await ask(credentialsOf({ ...first, password }))
        expectNotAllowed(answer, password)
        if (password !== second.password && wrongPassword !== 'either') expect(answer.result).toBe(wrongPassword)
      }
      expectAllowed(await ask(credentialsOf(first)), first)
    })

    it('does not allow a client without a password, or with an empty one', async () => {
      for (const password of [undefined, new Uint8Array(0)]) {
        expectNotAllowed(await ask({ ...credentialsOf(first), password }))
      }
    })

    it('does not allow a client that sent neither a user name nor a password', async () => {
      expectNotAllowed(await ask({ ...credentialsOf(first), userName: undefined, password: undefined }))
    })

    it('does not allow a user that it does not know', async () => {
      const answer = await ask({ ...credentialsOf({ ...first, password: 'wrong' }), userName: 'nobody-knows-me' })
      expectNotAllowed(answer)
      if (test.unknownUser !== undefined) expect(answer.result).toBe(test.unknownUser)
    })

    it('keeps clients at the same time apart', async () => {
      const wrong = credentialsOf({ ...first, password: 'wrong' })
      const answers = await Promise.all([ask(wrong), ask(credentialsOf(first)), ask(wrong), ask(credentialsOf(second))])
      expectNotAllowed(answers[0]!)
      expectAllowed(answers[1]!, first)
      expectNotAllowed(answers[2]!)
      expectAllowed(answers[3]!, second)
    })

    it('leaves the bytes of the password as they are, and does not keep them after the answer', async () => {
      const credentials = credentialsOf(first)
      const lent = credentials.password as Uint8Array
      expectAllowed(await ask(credentials), first)
      expect(Buffer.from(lent).toString()).toBe(first.password)
      // The memory becomes another password. If it had been kept, this one would be right now, and the right one wrong.
      lent.fill(0x78)
      expectNotAllowed(await ask({ ...credentials, password: Uint8Array.from(lent) }))
      expectAllowed(await ask(credentialsOf(first)), first)
    })

    it('answers to any name and any bytes, without an exception and without letting anyone in', async () => {
      const userNames = fc.oneof(fc.constantFrom(...hostileNames, first.userName), fc.string({ unit: 'binary' }))
      const clients = fc.record({
        clientId: fc.oneof(fc.constantFrom(...hostileNames), fc.string({ unit: 'binary' })),
        userName: fc.option(userNames, { nil: undefined }),
        password: fc.option(passwords, { nil: undefined }),
      })
      await fc.assert(
        fc.asyncProperty(clients, async (client) => {
          const text = client.password && Buffer.from(client.password).toString()
          fc.pre(test.users.every(({ password }) => password !== text))
          expectNotAllowed(await ask({ ...client, peer: peerOf({}) }))
        }),
        { numRuns: test.runs ?? runs(100) },
      )
      expectAllowed(await ask(credentialsOf(first)), first)
    })

    it('answers to a user name and a password of 65,535 bytes', async () => {
      const password = Buffer.alloc(65_535, 'p')
      expectNotAllowed(await ask({ ...credentialsOf(first), password }))
      expectNotAllowed(await ask({ ...credentialsOf(first), userName: 'u'.repeat(65_535), password }))
    })

    it('accepts the identity that it allowed, if it is asked, and never throws at any other', async () => {
      const answer = await ask(credentialsOf(first))
      expect(answer.result).toBe('allow')
      if (answer.result !== 'allow' || authenticator.accepts === undefined) return
      const { userName, attributes } = answer
      const identity: AuthenticatedIdentity = { clientId: 'c', userName, peer: peerOf(first), attributes }
      expect(authenticator.accepts(identity)).toBe(true)
      for (const hostile of [...hostileNames, undefined]) {
        expect(authenticator.accepts({ ...identity, clientId: hostile ?? '', userName: hostile })).toBeTypeOf('boolean')
      }
    })

    userDirectoryContract(() => authenticator)
  })
}

/** Names that have opened access controls, or broken files and look-ups, before. */
const hostileNames = [
  '',
  ' ',
  ':',
  'a:b',
  'a\nb',
  '\r\n',
  '\0',
  '#',
  '+',
  '/',
  '../../etc/passwd',
  '%u',
  '%c',
  '$',
  '*',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  '\u{feff}',
  '\u{202e}',
]

const passwords = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(...hostileNames).map((text) => new Uint8Array(Buffer.from(text))),
)

const peerOf = ({ peer }: Pick<KnownUser, 'peer'>): Peer => peer ?? peerAt('127.0.0.1:50000')

/** What a user sends, in separate memory. */
const credentialsOf = (user: KnownUser): Credentials => ({
  clientId: 'c',
  userName: user.userName,
  password: new Uint8Array(Buffer.from(user.password)),
  peer: peerOf(user),
})

const expectAllowed = (answer: AuthenticationAnswer, { userName, allowedAs }: KnownUser): void => {
  expect(answer).toMatchObject({ result: 'allow', userName: allowedAs ?? userName })
}

/** @param password which the log must not show, when it is long enough not to be found by chance. */
const expectNotAllowed = (answer: AuthenticationAnswer, password = ''): void => {
  expect(['deny', 'pass']).toContain(answer.result)
  if (answer.result !== 'deny') return
  expect(answer.why).toMatch(/./)
  if (answer.reasonCode !== undefined) expect(answer.reasonCode).toBeGreaterThanOrEqual(0x80)
  if (password.length >= 8) expect(answer.why).not.toContain(password)
}
