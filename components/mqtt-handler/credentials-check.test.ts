import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { DEFAULT_LISTENER_OPTIONS, type ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import { HandlerHarness, type HarnessClient, publishPacket } from '../../test/helpers/handler-harness.ts'

let broker: HandlerHarness
let users: ControlledAuthenticator
let tokens: ControlledAuthenticator
const start = (config: object = {}, parts: object = {}) => {
  users = new ControlledAuthenticator('users', { ann: 'pencil' })
  tokens = new ControlledAuthenticator('tokens', { bob: 'eraser', ann: 'token' })
  broker = new HandlerHarness(config, { authenticators: [users, tokens], ...parts })
}
beforeEach(() => start())
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

const { BadUserNameOrPassword, NotAuthorized, ServerUnavailable } = ReasonCode
const open = (options: Partial<ListenerOptions> = {}, version: ProtocolVersion = 5): HarnessClient => {
  const client = broker.open(version)
  client.connection.listener = { ...DEFAULT_LISTENER_OPTIONS, ...options }
  return client
}
const connectAs = (username?: string, password?: string) =>
  connectPacket({
    clientId: 'kitchen',
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
  })
const answerTo = (username?: string, password?: string, options?: Partial<ListenerOptions>) => {
  const client = open(options)
  const [connack] = client.take(connectAs(username, password))
  return { client, connack }
}
const letIn = { cmd: 'connack', reasonCode: 0 }
const refusedWith = (reasonCode: number) => ({ cmd: 'connack', reasonCode, sessionPresent: false })
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
const identityOf = () => [...broker.handler.clients][0]!.identity
const record = (name: string) => [...broker.handler.authenticators].find((each) => each.name === name)!

describe('the authenticators of a listener', () => {
  it('are asked in their order, until one allows or denies the client', () => {
    const ann = answerTo('ann', 'pencil')
    expect(ann.connack).toMatchObject(letIn)
    ann.client.lose()
    expect([users.asked.length, tokens.asked.length]).toEqual([1, 0])
    expect(answerTo('ann', 'token').connack).toMatchObject(refusedWith(BadUserNameOrPassword))
    expect([users.asked.length, tokens.asked.length]).toEqual([2, 0])
    expect(answerTo('bob', 'eraser').connack).toMatchObject(letIn)
    expect([users.asked.length, tokens.asked.length]).toEqual([3, 1])
  })

  it('are those that it names, in that order, and no others', () => {
    expect(answerTo('ann', 'token', { authenticators: ['tokens', 'users'] }).connack).toMatchObject(letIn)
    expect(answerTo('bob', 'eraser', { authenticators: ['users'] }).connack).toMatchObject(
      refusedWith(BadUserNameOrPassword),
    )
  })

  it('refuse all clients when one that it names does not exist', () => {
    const listener = { authenticators: ['users', 'user'], allowAnonymous: true }
    expect(answerTo('ann', 'pencil', listener).connack).toEqual(refusedWith(ServerUnavailable))
    expect(answerTo(undefined, undefined, listener).connack).toEqual(refusedWith(ServerUnavailable))
    expect(users.asked).toEqual([])
    expect(broker.log.at('error')[0]?.message).toBe('A listener names authenticators that do not exist: user')
  })

  it('get what the client said about itself', () => {
    const { client } = answerTo('ann', 'pencil')
    expect(users.asked).toMatchObject([{ clientId: 'kitchen', userName: 'ann', peer: client.connection.peer }])
    open().take(connectPacket({ clientId: '', username: 'ann' }))
    const [, second] = users.asked
    // The identifier that the broker has chosen for it.
    expect(second).toMatchObject({ clientId: expect.stringMatching(/./), password: undefined })
  })

  it('get a copy of the password, which is overwritten after the answer', () => {
    let seen = ''
    users.answer = (credentials) => {
      seen = Buffer.from(credentials.password!).toString()
      return users.byPassword(credentials)
    }
    for (const password of ['pencil', 'wrong']) {
      const packet = connectAs('ann', password)
      open().take(packet)
      expect(seen).toBe(password)
      expect(packet.password).toEqual(Buffer.from(password))
      expect(users.asked.at(-1)!.password).toEqual(new Uint8Array(password.length))
    }
  })

  it('are not asked for a client that names an Authentication Method', async () => {
    broker.stop()
    const method = new ControlledMethod()
    start({}, { authenticationMethods: [method] })
    const client = open()
    client.take({ ...connectAs('ann', 'pencil'), properties: { authenticationMethod: 'CONTROLLED' } })
    const step = await method.step(0)
    step.answer({ result: 'success', userName: 'carol' })
    await settled()
    expect(client.take()).toMatchObject([letIn])
    expect([users.asked, identityOf().userName]).toEqual([[], 'carol'])
  })

  it('keep the User Name out of the log when it may be a token, until a user is proven', () => {
    broker.stop()
    const tokenInName = Object.assign(new ControlledAuthenticator('tokens'), { hidesUserNames: true })
    tokenInName.answer = ({ userName }) =>
      userName === 'right token' ? { result: 'allow', userName: 'ann' } : { result: 'deny', why: 'wrong' }
    start({}, { authenticators: [tokenInName] })
    expect(answerTo('right token').connack).toMatchObject(letIn)
    expect(answerTo('wrong token').connack).toMatchObject(refusedWith(BadUserNameOrPassword))
    open().take({ ...connectAs('third token'), clientId: 'x'.repeat(2_000) })
    open().take({ ...connectAs('fourth token'), properties: { authenticationMethod: 'unknown' } })
    expect(tokenInName.asked.map(({ userName }) => userName)).toEqual(['right token', 'wrong token'])
    expect(JSON.stringify(broker.log.lines)).not.toMatch(/(right|wrong|third|fourth) token/)
    expect(broker.log.lines.filter(({ user }) => user === 'ann')).not.toEqual([])
  })

  it('are not asked about a CONNECT that is not valid', () => {
    const [connack] = open().take({ ...connectAs('ann', 'pencil'), clientId: 'x'.repeat(2_000) })
    expect(connack).toMatchObject(refusedWith(ReasonCode.ClientIdentifierNotValid))
    expect(users.asked).toEqual([])
  })
})

describe('a client that is allowed', () => {
  it('is the user that was found, with its attributes, and the same object while it is connected', () => {
    const attributes = { groups: ['cooks'], values: { room: '1' } }
    users.allows = { userName: 'ann of the kitchen', attributes }
    const { client, connack } = answerTo('ann', 'pencil')
    expect(connack).toMatchObject(letIn)
    const identity = identityOf()
    expect(identity).toEqual({
      clientId: 'kitchen',
      userName: 'ann of the kitchen',
      peer: client.connection.peer,
      attributes,
    })
    attributes.groups.push('waiters')
    expect(identity.attributes?.groups).toEqual(['cooks'])
    expect(Object.isFrozen(identity) && Object.isFrozen(identity.attributes)).toBe(true)
    client.take({ cmd: 'pingreq' })
    expect(identityOf()).toBe(identity)
    expect(broker.broker.session('kitchen')?.userName).toBe('ann of the kitchen')
  })

  it('is accepted within the call, without a pause', () => {
    const { client } = answerTo('ann', 'pencil')
    expect(client.connection.paused).toBe(false)
    expect(client.take(publishPacket({ qos: 1 }))).toMatchObject([{ cmd: 'puback' }])
  })

  it('owns its session: other users and clients without a name do not get it', () => {
    expect(answerTo('ann', 'pencil').connack).toMatchObject(letIn)
    expect(answerTo('bob', 'eraser').connack).toMatchObject(refusedWith(NotAuthorized))
    expect(answerTo(undefined, undefined, { allowAnonymous: true }).connack).toMatchObject(refusedWith(NotAuthorized))
    expect(broker.handler.clients.size).toBe(1)
  })
})

describe('a client that is not allowed', () => {
  it.each([
    [5, refusedWith(BadUserNameOrPassword)],
    [4, { cmd: 'connack', sessionPresent: false, returnCode: 4 }],
    [3, { cmd: 'connack', sessionPresent: false, returnCode: 4 }],
  ] as const)('gets a code of version %i and no reason', (version, connack) => {
    for (const user of ['ann', 'nobody']) {
      const client = open({}, version)
      expect(client.take(connectAs(user, 'wrong'))).toEqual([connack])
      expect(client.connection).toMatchObject({ open: false, failedAuthentications: 1 })
    }
    expect(broker.broker.session('kitchen')).toBeUndefined()
  })

  it.each([
    [5, refusedWith(NotAuthorized)],
    [4, { cmd: 'connack', sessionPresent: false, returnCode: 5 }],
  ] as const)('since it sent no credentials gets another one in version %i, and failed nothing', (version, connack) => {
    const client = open({}, version)
    expect(client.take(connectAs())).toEqual([connack])
    expect(client.connection.failedAuthentications).toBe(0)
  })

  it('gets the Reason Code that the authenticator says, if CONNACK may have it', () => {
    for (const [reasonCode, told] of [
      [ReasonCode.Banned, ReasonCode.Banned],
      [ReasonCode.QuotaExceeded, ReasonCode.QuotaExceeded],
      [ReasonCode.AdministrativeAction, BadUserNameOrPassword],
      [ReasonCode.Success, BadUserNameOrPassword],
    ] as const) {
      users.answer = () => ({ result: 'deny', why: 'so it is', reasonCode })
      expect(answerTo('ann', 'pencil').connack).toEqual(refusedWith(told))
    }
    users.answer = () => ({ result: 'deny', why: 'so it is', reasonCode: ReasonCode.Banned })
    expect(open({}, 4).take(connectAs('ann', 'pencil'))).toMatchObject([{ returnCode: 5 }])
  })
})

describe('a client without user name and password', () => {
  it('is accepted without a user if the listener allows it and no authenticator denies it', () => {
    expect(answerTo(undefined, undefined, { allowAnonymous: true }).connack).toMatchObject(letIn)
    expect(identityOf().userName).toBeUndefined()
    expect(broker.handler.counters.anonymousClients).toBe(1)
  })

  it('is refused where it is not allowed, or an authenticator denies it', () => {
    for (const allowAnonymous of [false, undefined]) {
      expect(answerTo(undefined, undefined, { allowAnonymous }).connack).toMatchObject(refusedWith(NotAuthorized))
    }
    tokens.answer = () => ({ result: 'deny', why: 'a token is needed', reasonCode: NotAuthorized })
    expect(answerTo(undefined, undefined, { allowAnonymous: true }).connack).toMatchObject(refusedWith(NotAuthorized))
  })

  it('is not one that sends a user name or a password, be they empty', () => {
    for (const [user, password] of [
      ['', undefined],
      ['ann', undefined],
      [undefined, ''],
      ['', ''],
    ] as const) {
      expect(answerTo(user, password, { allowAnonymous: true }).connack).toMatchObject(
        refusedWith(BadUserNameOrPassword),
      )
    }
  })

  it('may be allowed by an authenticator', () => {
    users.answer = () => ({ result: 'allow', userName: undefined })
    expect(answerTo().connack).toMatchObject(letIn)
    expect(identityOf().userName).toBeUndefined()
  })
})

describe('on a listener without authenticators', () => {
  const none = { authenticators: [] }

  it('nothing is checked: the user name is not verified, and owns no session', () => {
    expect(answerTo('ann', 'wrong', none).connack).toMatchObject(letIn)
    expect(identityOf().userName).toBe('ann')
    expect(answerTo('bob', 'wrong', none).connack).toMatchObject(letIn)
    expect(broker.log.at('warn').map(({ message }) => message)).toContainEqual(
      expect.stringContaining('A password was not checked'),
    )
  })

  it('all clients are refused when it does not allow anonymous clients', () => {
    for (const user of ['ann', undefined]) {
      const { connack } = answerTo(user, user, { ...none, allowAnonymous: false })
      expect(connack).toMatchObject(refusedWith(NotAuthorized))
    }
  })
})

describe('an authenticator that fails refuses the client', () => {
  const failures: Record<string, () => AuthenticationAnswer | Promise<AuthenticationAnswer>> = {
    'by an exception': () => {
      throw new Error('no good')
    },
    'by a rejection': () => Promise.reject(new Error('no good')),
    'by no answer': () => undefined as never,
    'by another word': () => ({ result: 'yes' }) as never,
    'by a promise of another word': async () => ({ result: 'yes' }) as never,
    'by a user name that is not valid': () => ({ result: 'allow', userName: null }) as never,
    'by attributes that are not valid': () =>
      ({ result: 'allow', userName: 'ann', attributes: { isAdmin: true } }) as never,
    'by a time that is not valid': () => ({ result: 'allow', userName: 'ann', expiresAtMs: Number.NaN }),
  }
  it.each(Object.keys(failures))('%s', async (how) => {
    users.answer = failures[how]
    for (const [version, code] of [
      [5, { reasonCode: ServerUnavailable }],
      [4, { returnCode: 3 }],
    ] as const) {
      const client = open({ allowAnonymous: true }, version)
      client.sent.push(...client.take(connectAs('ann', 'pencil')))
      await settled()
      expect(client.take()).toEqual([{ cmd: 'connack', sessionPresent: false, ...code }])
      expect(client.connection).toMatchObject({ open: false, failedAuthentications: 0 })
    }
    // No other one is asked: it might allow what the first one would have denied.
    expect(tokens.asked).toEqual([])
    expect(record('users')).toMatchObject({ failed: 2, allowed: 0 })
    expect(broker.log.at('error')).toMatchObject([{ authenticator: 'users', client: 'kitchen', user: 'ann' }])
  })

  it('and is logged once a second, with how often it failed', () => {
    vi.useFakeTimers()
    users.answer = failures['by an exception']
    for (let n = 0; n < 100; n += 1) answerTo('ann', 'pencil')
    vi.advanceTimersByTime(1_000)
    answerTo('ann', 'pencil')
    expect(broker.log.at('error').map(({ message }) => message)).toEqual([
      'An authenticator failed: users',
      'An authenticator failed: users (and 99 times before, which were not logged)',
    ])
  })
})

describe('while an authenticator takes its time', () => {
  const slow = () => {
    users.isSlow = true
    const client = open()
    expect(client.take(connectAs('ann', 'pencil'))).toEqual([])
    return { client, question: users.pending.at(-1)! }
  }

  it('the client is not read, and then accepted', async () => {
    const { client, question } = slow()
    expect([client.connection.paused, broker.handler.authenticators.waiting]).toEqual([true, 1])
    expect(Buffer.from(question.credentials.password!).toString()).toBe('pencil')
    question.answer({ result: 'allow', userName: 'ann' })
    await settled()
    expect(client.take()).toMatchObject([letIn])
    expect([client.connection.paused, broker.handler.authenticators.waiting]).toEqual([false, 0])
    expect(question.credentials.password).toEqual(new Uint8Array(6))
    expect(client.take(publishPacket({ qos: 1 }))).toMatchObject([{ cmd: 'puback' }])
  })

  it('the next one is asked when it passes', async () => {
    const { client, question } = slow()
    tokens.isSlow = true
    question.answer({ result: 'pass' })
    await settled()
    expect([tokens.pending.length, client.connection.paused]).toEqual([1, true])
    expect(Buffer.from(tokens.pending[0]!.credentials.password!).toString()).toBe('pencil')
    tokens.pending[0]!.answer({ result: 'deny', why: 'no' })
    await settled()
    expect(client.take()).toMatchObject([refusedWith(BadUserNameOrPassword)])
    expect(client.connection.failedAuthentications).toBe(1)
  })

  it('connectDeadlineMs is for all of them together; a later answer has no effect', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { client, question } = slow()
    tokens.isSlow = true
    vi.advanceTimersByTime(6_000)
    question.answer({ result: 'pass' })
    await settled()
    vi.advanceTimersByTime(3_999)
    expect(client.take()).toEqual([])
    vi.advanceTimersByTime(1)
    expect(client.take()).toMatchObject([refusedWith(ServerUnavailable)])
    expect(broker.log.at('error')).toMatchObject([
      { authenticator: 'tokens', err: { message: 'no answer within connectDeadlineMs, 10000 ms' } },
    ])
    // The bytes that a hash may still be made of are not those of the password.
    expect(tokens.pending[0]!.credentials.password).toEqual(new Uint8Array(6))
    tokens.pending[0]!.answer({ result: 'allow', userName: 'ann' })
    await settled()
    expect([client.take(), broker.broker.session('kitchen')]).toEqual([[], undefined])
    expect(record('tokens')).toMatchObject({ allowed: 0, failed: 1 })
  })

  it.each(['answer', 'fail'] as const)('a client that goes is forgotten: %s', async (how) => {
    const { client, question } = slow()
    client.lose()
    expect([broker.handler.authenticators.waiting, question.credentials.password]).toEqual([0, new Uint8Array(6)])
    if (how === 'answer') question.answer({ result: 'allow', userName: 'ann' })
    else question.fail(new Error('too late'))
    await settled()
    expect([client.take(), broker.broker.session('kitchen'), broker.log.at('error')]).toEqual([[], undefined, []])
    expect(broker.handler.clients.size).toBe(0)
  })

  it('a client that sends something, past a filter, is refused', async () => {
    const { client, question } = slow()
    expect(client.take(connectAs('ann', 'pencil'))).toMatchObject([refusedWith(ReasonCode.ProtocolError)])
    question.answer({ result: 'allow', userName: 'ann' })
    await settled()
    expect([users.asked.length, broker.broker.session('kitchen')]).toEqual([1, undefined])
  })

  it('a stop of the server ends the connection', () => {
    const { client } = slow()
    client.stop()
    expect([client.connection.open, broker.handler.authenticators.waiting]).toEqual([false, 0])
  })

  it('an error after the answer ends its connection, and is logged', async () => {
    const { client, question } = slow()
    vi.spyOn(broker.broker.forClients, 'admit').mockImplementation(() => {
      throw new Error('broken')
    })
    question.answer({ result: 'allow', userName: 'ann' })
    await settled()
    expect(client.connection.open).toBe(false)
    expect(broker.log.at('error')).toMatchObject([{ message: 'A client could not be accepted' }])
  })
})

it('failed enhanced authentication is also noted', async () => {
  broker.stop()
  const method = new ControlledMethod()
  start({}, { authenticationMethods: [method] })
  const client = open()
  client.take({ ...connectAs('ann'), properties: { authenticationMethod: 'CONTROLLED' } })
  const step = await method.step(0)
  step.answer({ result: 'failure', reasonCode: NotAuthorized, why: 'no' })
  await settled()
  expect(client.connection.failedAuthentications).toBe(1)
})

it('each authenticator counts its answers', () => {
  answerTo('ann', 'pencil')
  answerTo('ann', 'wrong')
  answerTo('bob', 'eraser')
  answerTo('carol', 'x')
  answerTo()
  expect(record('users')).toMatchObject({ allowed: 1, denied: 1, passed: 3, failed: 0, revoked: 0 })
  expect(record('tokens')).toMatchObject({ allowed: 1, denied: 0, passed: 2, failed: 0, revoked: 0 })
  expect(broker.handler.counters).toMatchObject({ anonymousClients: 0, unknownClients: 1 })
})
