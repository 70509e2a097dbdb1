import { describe, expect, it } from 'vitest'
import { ControlledAuthenticator } from '../helpers/controlled-authenticator.ts'
import { withAuthenticators } from '../helpers/with-authenticators.ts'
import { arena, VERSIONS } from './arena.ts'
import { type ConnectFields, connectNotation, noProperties } from './attacker.ts'

const users = new ControlledAuthenticator('users', { ann: 'pencil', bob: 'eraser' })
const attack = arena({ server: { allowAnonymous: true }, entries: withAuthenticators(users) })

interface Login {
  readonly user?: string
  readonly password?: string
}
const ann: Login = { user: 'ann', password: 'pencil' }
const anonymous: Login = {}

/** CONNECT with a Will and a login. */
const connectAs = (
  { user, password }: Login,
  clientId: string,
  version: (typeof VERSIONS)[number],
  willTopic: string,
  fields: ConnectFields = {},
): ConnectFields => {
  const none = noProperties(version)
  const flags = 0x04 | (user === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40)
  const login = [user, password].map((text) => (text === undefined ? '' : `"${text}"`)).join(' ')
  return { clientId, flags, payload: `${none} "${willTopic}" <78> ${login}`, ...fields }
}

const RETURN_CODES = { BadUserNameOrPassword: 4, NotAuthorized: 5 } as const
type Row = readonly [string, Login, Login, keyof typeof RETURN_CODES]

const IMPOSTORS: readonly Row[] = [
  ['its user with a wrong password', ann, { user: 'ann', password: 'wrong' }, 'BadUserNameOrPassword'],
  ['its user without a password', ann, { user: 'ann' }, 'BadUserNameOrPassword'],
  ['a user that does not exist', ann, { user: 'carol', password: 'pencil' }, 'BadUserNameOrPassword'],
  ['another user', ann, { user: 'bob', password: 'eraser' }, 'NotAuthorized'],
  ['an anonymous client', ann, anonymous, 'NotAuthorized'],
  ['a user, for the session of an anonymous client', anonymous, ann, 'NotAuthorized'],
]

let sessions = 0

describe.each(VERSIONS)('in version %i, a connection of', (version) => {
  describe.each(IMPOSTORS)('%s', (_, owner, impostor, reason) => {
    it('takes no session over, and publishes no Will', async () => {
      sessions += 1
      const clientId = `victim ${sessions}`
      const witness = await attack.connected(version)
      await witness.subscribe('will/+')
      const victim = await attack.connected(version, connectAs(owner, clientId, version, 'will/victim'))
      for (const clean of [true, false]) {
        const attacker = await attack.open(version)
        const fields = connectAs(impostor, clientId, version, 'will/attacker', { clean })
        await attacker.send(connectNotation(version, fields)).isRefused(reason, RETURN_CODES[reason])
      }
      await victim.isAlive()
      await witness.isAlive()
      await victim.send('e0 00').rest()
    })

    it('deletes no session of a client that is away, and receives nothing of it', async () => {
      sessions += 1
      const clientId = `absent ${sessions}`
      const expiry = version === 5 ? { properties: '11 000000ff' } : {}
      const fields = connectAs(owner, clientId, version, 'will/absent', { clean: false, ...expiry })
      const victim = await attack.connected(version, fields)
      await victim.subscribe(`queued/${sessions}`, '01')
      await victim.send('e0 00').rest()
      const publisher = await attack.connected(version)
      publisher.send(`32 @ "queued/${sessions}" 0001 ${noProperties(version)} 'x'`)
      expect(await publisher.packet()).toBe('40020001')
      for (const clean of [true, false]) {
        const attacker = await attack.open(version)
        const stolen = connectAs(impostor, clientId, version, 'will/attacker', { clean })
        await attacker.send(connectNotation(version, stolen)).isRefused(reason, RETURN_CODES[reason])
      }
      const again = await attack.open(version)
      again.send(connectNotation(version, fields))
      // Session Present, which MQTT 3.1 does not have.
      expect(await again.packet()).toMatch(version === 3 ? /^20020000/ : /^20..01?00/)
      expect(await again.packet()).toMatch(/^32/)
      again.send('40 02 0001', 'e0 00')
      await again.rest()
    })
  })
})

it('repeated guesses are refused, and no line of the log has a password', async () => {
  for (let n = 0; n < 20; n += 1) {
    const attacker = await attack.open(5)
    const guess = connectAs({ user: 'ann', password: `sesame ${n}` }, `guesser ${n}`, 5, 'will/guesser')
    await attacker.send(connectNotation(5, guess)).isRefused('BadUserNameOrPassword')
  }
  const text = JSON.stringify(attack.log.lines)
  expect(text).toContain('users: the password is wrong')
  expect(text).not.toContain('sesame')
  expect(text).not.toContain('pencil')
  expect(attack.broker.map.server.counters.failedAuthentications).toBeGreaterThanOrEqual(20)
})
