import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { AuthenticatedIdentity } from '../../src/kinds/authenticator.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { HandlerHarness, type HarnessClient } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
let users: ControlledAuthenticator
let tokens: ControlledAuthenticator
const start = (parts: object = {}) => {
  users = new ControlledAuthenticator('users', { ann: 'pencil', bob: 'eraser' })
  tokens = new ControlledAuthenticator('tokens', { carol: 'ruler' })
  broker = new HandlerHarness({}, { authenticators: [users, tokens], ...parts })
}
beforeEach(() => start())
afterEach(() => broker.stop())

const packetOf = (username: string, clientId = username) => {
  const password = users.passwords.get(username) ?? tokens.passwords.get(username) ?? ''
  return connectPacket({ clientId, username, password: Buffer.from(password) })
}
const connected = (username: string, version: ProtocolVersion = 5, clientId = username): HarnessClient => {
  const client = broker.open(version)
  client.take(packetOf(username, clientId))
  return client
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const record = (name: string) => [...broker.handler.authenticators].find((each) => each.name === name)!
const notAuthorized = { cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }

it('a client whose user was removed is disconnected at once; other clients stay connected', () => {
  const [ann, bob, carol, old] = [connected('ann'), connected('bob'), connected('carol'), connected('ann', 4, 'old')]
  users.revoke('ann', 'carol')
  // It is not told why.
  expect(ann.take()).toEqual([notAuthorized])
  expect([ann, old].map(({ connection }) => connection.open)).toEqual([false, false])
  expect(old.take()).toEqual([])
  // Another authenticator has allowed carol.
  expect([bob, carol].map(({ connection }) => connection.open)).toEqual([true, true])
  expect(users.acceptsAsked.map(({ clientId }) => clientId)).toEqual(['ann', 'bob', 'old'])
  expect([record('users').revoked, record('tokens').revoked]).toEqual([2, 0])
  expect(broker.handler.counters.disconnectsByBroker[ReasonCode.NotAuthorized]).toBe(2)
  expect(broker.log.at('warn')[0]).toMatchObject({
    client: 'ann',
    message:
      'Client disconnected: ann from 127.0.0.1:50001 (MQTT 5, user ann): closed by the broker: ' +
      'Not authorized (0x87): users no longer accepts it',
  })
})

it('a client that no authenticator has allowed is not checked', () => {
  broker.stop()
  start()
  const anonymous = broker.open()
  anonymous.connection.listener = { ...anonymous.connection.listener, allowAnonymous: true }
  anonymous.take(connectPacket())
  users.revoke(undefined)
  expect([anonymous.connection.open, users.acceptsAsked]).toEqual([true, []])
})

it('a client whose authentication is under way is checked when it succeeds', async () => {
  users.isSlow = true
  const [ann, bob] = [broker.open(), broker.open()]
  ann.take(packetOf('ann'))
  bob.take(packetOf('bob'))
  users.revoke('ann')
  expect(users.acceptsAsked).toEqual([])
  for (const { credentials, answer } of users.pending) answer({ result: 'allow', userName: credentials.userName })
  await settled()
  const refused = { cmd: 'connack', reasonCode: ReasonCode.BadUserNameOrPassword, sessionPresent: false }
  expect([ann.take(), bob.take()]).toEqual([[refused], [expect.objectContaining({ cmd: 'connack', reasonCode: 0 })]])
  expect(record('users')).toMatchObject({ allowed: 1, revoked: 1 })
})

it('a client that waits for its session is refused', () => {
  broker.stop()
  start({ ownership: { claim: () => new Promise(() => undefined) } })
  const ann = broker.open()
  ann.take(packetOf('ann'))
  users.revoke('ann')
  expect(ann.take()).toEqual([{ cmd: 'connack', reasonCode: ReasonCode.NotAuthorized, sessionPresent: false }])
  expect(ann.connection.open).toBe(false)
})

it('an authenticator that throws accepts no client, and is logged once', () => {
  const clients = [connected('ann'), connected('bob'), connected('carol')]
  vi.spyOn(users, 'accepts').mockImplementation(() => {
    throw new Error('no good')
  })
  users.revoke()
  expect(clients.map(({ connection }) => connection.open)).toEqual([false, false, true])
  expect(broker.log.at('error')).toMatchObject([{ authenticator: 'users', client: 'ann', err: { message: 'no good' } }])
})

it('many clients are checked over several turns, and all of them again after another revocation', async () => {
  const clients = Array.from({ length: 600 }, (_, n) => connected(n === 0 ? 'bob' : 'ann', 5, `c${n}`))
  const bob = clients[0]!
  await settled()
  users.revoke('ann')
  const asked = users.acceptsAsked.length
  expect(asked).toBeLessThan(600)
  // Bob was asked about already. The walk is not begun anew, so that it comes to an end.
  users.revoke('bob')
  expect([users.acceptsAsked.length, bob.connection.open]).toEqual([asked, true])
  for (let turn = 0; turn < 1_000 && broker.handler.clients.size > 0; turn += 1) await settled()
  expect([broker.handler.clients.size, record('users').revoked]).toEqual([0, 600])
  expect(users.acceptsAsked.filter(({ clientId }: AuthenticatedIdentity) => clientId === 'c0').length).toBe(2)
  // No client is left: the next revocation begins a new walk.
  const last = connected('ann')
  users.revoke()
  expect(last.connection.open).toBe(false)
})

it('a handler that has stopped asks no authenticator', () => {
  const ann = connected('ann')
  broker.stop()
  users.revoke('ann')
  expect([users.acceptsAsked, ann.connection.open]).toEqual([[], true])
})
