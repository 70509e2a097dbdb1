import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import { ControlledAuthenticator } from '../../test/helpers/controlled-authenticator.ts'
import { ControlledMethod } from '../../test/helpers/controlled-method.ts'
import { HandlerHarness, type HarnessClient, persistent } from '../../test/helpers/handler-harness.ts'
import { UNITS_PER_TURN } from '../broker/turn-scheduler.ts'

let broker: HandlerHarness
const start = (config: object = {}, parts: ConstructorParameters<typeof HandlerHarness>[1] = {}) => {
  broker = new HandlerHarness(config, parts)
}
beforeEach(() => start())
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

/** What was logged since the last call: levels and messages. */
const logged = () => broker.log.lines.splice(0).map(({ level, message }) => `${level} ${message}`)
const last = () => broker.log.lines.at(-1)!
const lose = (client: HarnessClient, by: 'client' | 'network' | 'broker', reason: string) => {
  client.connection.end = { by, reason }
  client.lose()
}
const will = { topic: 'alarm/kitchen', payload: Buffer.from('gone'), qos: 0 as const, retain: false }
const delayed = { ...will, properties: { willDelayInterval: 30 } }
const kitchen = { clientId: 'kitchen' }
/** A client `kitchen` that is connected; the lines about that are taken away. */
const connected = (fields: object = {}, version: 3 | 4 | 5 = 5) => {
  const client = broker.connect({ ...kitchen, ...fields }, version)
  broker.log.lines.splice(0)
  return client
}

describe('a client that connects', () => {
  it('is logged with its version, session, keep alive, user and Will', () => {
    broker.connect({ ...kitchen, keepalive: 60, username: 'bob', will })
    expect(last()).toEqual({
      level: 'info',
      message:
        'Client connected: kitchen from 127.0.0.1:50001 ' +
        '(MQTT 5, clean start, keep alive 60 s, user bob, Will on alarm/kitchen)',
      client: 'kitchen',
      remote: '127.0.0.1:50001',
      version: 'MQTT 5',
      session: 'clean start',
      keepAlive: 60,
      user: 'bob',
      willTopic: 'alarm/kitchen',
    })
  })

  it.each([3, 4, 5] as const)('has its session, or a new one, in version %i', (version) => {
    const name = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5' }[version]
    broker.connect(persistent('kitchen'), version).lose()
    expect(logged()[0]).toBe(
      `info Client connected: kitchen from 127.0.0.1:50001 (${name}, new session, no keep alive)`,
    )
    broker.connect(persistent('kitchen'), version)
    expect(logged()).toEqual([
      `info Client connected: kitchen from 127.0.0.1:50002 (${name}, session present, no keep alive)`,
    ])
  })

  it('is logged by the identifier that it was given', () => {
    broker.connect({ clientId: '' })
    expect(last()['client']).toMatch(/^mqtt-jig-/)
  })

  it('makes lines of a limited length', () => {
    const long = 'x'.repeat(1_000)
    broker.connect({ clientId: long, username: long, will: { ...will, topic: long } })
    expect(last().message.length).toBeLessThan(900)
  })
})

describe('a client that leaves', () => {
  it.each([
    ['closes its side', 'client', 'client closed the network connection', 'client closed the network connection'],
    ['resets the connection', 'network', 'read ECONNRESET', 'network connection reset by the client (read ECONNRESET)'],
    ['is lost otherwise', 'network', 'network connection lost', 'network connection lost'],
  ] as const)('and %s is no warning', (_, by, reason, text) => {
    lose(connected({ will }), by, reason)
    expect(last()).toMatchObject({ client: 'kitchen', closedBy: by, why: reason, will: 'published' })
    expect(logged().at(-1)).toBe(
      `info Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5, Will published): ${text}`,
    )
  })

  it('by DISCONNECT is logged with its reason, and without its Will', () => {
    connected({ will }).take({ cmd: 'disconnect', reasonCode: 0 })
    expect(last()).toMatchObject({ closedBy: 'client', reason: 'Normal disconnection (0x00)', will: 'deleted' })
    expect(logged()).toEqual([
      'info Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5, Will deleted): ' +
        'client sent DISCONNECT: Normal disconnection (0x00)',
    ])
  })

  it('by DISCONNECT is logged with its Reason String', () => {
    const properties = { reasonString: 'battery empty' }
    connected(persistent('kitchen', { will: delayed })).take({ cmd: 'disconnect', reasonCode: 4, properties })
    expect(logged()).toEqual([
      'info Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5, Will delayed): ' +
        'client sent DISCONNECT: Disconnect with Will Message (0x04): "battery empty"',
    ])
  })

  it('by DISCONNECT of MQTT 3 has no Reason Code', () => {
    connected({}, 4).take({ cmd: 'disconnect' })
    expect(logged()).toEqual([
      'info Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 3.1.1): client sent DISCONNECT',
    ])
  })

  it('since the broker stops is no warning', () => {
    connected().stop()
    const halfway = broker.open()
    halfway.connection.bytesReceived = 5
    halfway.stop()
    broker.open().stop()
    expect(logged()).toEqual([
      'info Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5): ' +
        'closed by the broker: Server shutting down (0x8B): server stops',
      'info Connection closed before CONNECT was accepted: 127.0.0.1:50002 (MQTT 5): ' +
        'Server shutting down (0x8B): server stops',
      'debug Connection closed before CONNECT was accepted: 127.0.0.1:50003 (MQTT 5): ' +
        'Server shutting down (0x8B): server stops',
    ])
  })
})

describe('the Will of a client that is lost', () => {
  const outcome = (client: HarnessClient) => {
    client.lose()
    return broker.log.lines.filter(({ message }) => message.startsWith('Client disconnected')).at(-1)
  }

  it.each([
    ['when the connection is lost', {}],
    ['after its delay', persistent('kitchen', { will: { ...delayed, topic: '$SYS/state' } })],
  ])('is dropped on a topic that begins with $, %s', (_, fields) => {
    const line = outcome(connected({ will: { ...will, topic: '$SYS/state' }, ...fields }))
    expect(line).toMatchObject({ will: 'dropped', message: expect.stringContaining('Will dropped') })
  })

  it('is dropped when it may no longer be published', () => {
    let allowed = true
    broker.stop()
    start({}, { authorizers: [{ mayPublish: () => (allowed ? 'allow' : 'deny'), maySubscribe: () => 'allow' }] })
    const client = connected({ will })
    allowed = false
    expect(outcome(client)).toMatchObject({ will: 'dropped' })
  })

  it('is due as long as it waits for its turn', () => {
    const client = connected({ will })
    broker.core.scheduler.spend(UNITS_PER_TURN)
    expect(outcome(client)).toMatchObject({ will: 'due', message: expect.stringContaining('Will due') })
    expect(broker.core.wills.count).toBe(1)
  })

  it('is published although a full queue refuses it', () => {
    broker.stop()
    start({ maximumQueuedMessages: 1, queueFullPolicy: 'refuse' })
    const subscriber = broker.connect(persistent('away'))
    subscriber.take({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    subscriber.lose()
    for (let n = 0; n < 2; n++) {
      const client = connected({ clientId: `client ${n}`, will: { ...will, qos: 1 } })
      expect(outcome(client)).toMatchObject({ will: 'published' })
    }
    expect(broker.core.counters.refused).toBe(1)
  })
})

describe('a client that is thrown out', () => {
  it('for what it sent is a warning', () => {
    connected({ username: 'bob' }).fail({ reasonCode: 0x95, message: 'The packet is larger than 100 bytes.' })
    expect(last()).toMatchObject({
      client: 'kitchen',
      user: 'bob',
      closedBy: 'broker',
      reason: 'Packet too large (0x95)',
      why: 'The packet is larger than 100 bytes.',
    })
    expect(logged()).toEqual([
      'warn Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5, user bob): ' +
        'closed by the broker: Packet too large (0x95): The packet is larger than 100 bytes.',
    ])
  })

  it('for its silence is a warning', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    broker.stop()
    start()
    connected({ keepalive: 1 })
    vi.advanceTimersByTime(2_500)
    expect(logged()).toEqual([
      'warn Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5): ' +
        'closed by the broker: Keep Alive timeout (0x8D): silent for 1.5 times the Keep Alive',
    ])
  })

  it('by the transport, because it reads too slowly, is a warning', () => {
    lose(connected(), 'broker', 'it read too slowly, and the buffers of all connections were full')
    expect(logged()).toEqual([
      'warn Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5): ' +
        'closed by the broker: it read too slowly, and the buffers of all connections were full',
    ])
  })
})

describe('a client that is refused', () => {
  const refusals = (client: HarnessClient, fields: object) => {
    client.take(connectPacket({ ...kitchen, ...fields }))
    return logged()
  }

  it('is a warning that names it', () => {
    broker.stop()
    start({}, { authenticationMethods: [new ControlledMethod()] })
    expect(refusals(broker.open(), { username: 'bob' })).toEqual([
      'warn Client refused: kitchen from 127.0.0.1:50001 (MQTT 5, user bob): Bad User Name or Password (0x86): ' +
        'client names no Authentication Method, and no authenticator checks its user name',
    ])
    expect(refusals(broker.open(), { properties: { authenticationMethod: 'ROT13' } })).toEqual([
      'warn Client refused: kitchen from 127.0.0.1:50002 (MQTT 5): ' +
        'Bad authentication method (0x8C): unknown Authentication Method',
    ])
  })

  it('by an authenticator is a warning that says which one, and why', () => {
    broker.stop()
    start({}, { authenticators: [new ControlledAuthenticator('users', { bob: 'sesame' })] })
    expect(refusals(broker.open(), { username: 'bob', password: Buffer.from('secret') })).toEqual([
      'warn Client refused: kitchen from 127.0.0.1:50001 (MQTT 5, user bob): ' +
        'Bad User Name or Password (0x86): users: the password is wrong',
    ])
    expect(refusals(broker.open(), { username: 'ann', password: Buffer.from('secret') })).toEqual([
      'warn Client refused: kitchen from 127.0.0.1:50002 (MQTT 5, user ann): ' +
        'Bad User Name or Password (0x86): no authenticator knows the client',
    ])
    expect(refusals(broker.open(), {})).toEqual([
      'warn Client refused: kitchen from 127.0.0.1:50003 (MQTT 5): ' +
        'Not authorized (0x87): client sent no user name, no password and no Authentication Method',
    ])
  })

  it('is named though its identifier is what is wrong, cut off where it is too long', () => {
    const [line] = refusals(broker.open(), { clientId: 'x'.repeat(2_000) })
    expect(line).toMatch(
      /^warn Client refused: x{256}… from .*: Client Identifier not valid \(0x85\): The Client Identifier is too long\.$/,
    )
  })

  it.each([
    [5, 'Malformed Packet (0x81)'],
    [4, 'Malformed Packet (0x81)'],
  ] as const)('for a CONNECT of version %i that cannot be read is named, if it can be', (version, reason) => {
    broker.open(version).fail({ reasonCode: 0x81, message: 'The Will QoS is 3.', clientId: 'kitchen' })
    expect(last()).toMatchObject({ client: 'kitchen', reason, why: 'The Will QoS is 3.', level: 'warn' })
  })

  it('speaks another version of MQTT: the line does not name the version of the answer', () => {
    const error = { reasonCode: 0x84, message: 'The Protocol Version is not supported.' } as const
    broker.open(5).fail({ ...error, clientId: 'kitchen', hint: 'The Protocol Level is 6.' })
    expect(last()['version']).toBeUndefined()
    expect(logged()).toEqual([
      'warn Client refused: kitchen from 127.0.0.1:50001: Unsupported Protocol Version (0x84): ' +
        'The Protocol Version is not supported. The Protocol Level is 6.',
    ])
  })

  it('speaks no MQTT: the line says what it looks like', () => {
    const error = { reasonCode: 0x82, message: 'The first packet is not CONNECT.' } as const
    broker.open(0).fail({ ...error, hint: 'The first bytes look like TLS.' })
    expect(logged()).toEqual([
      'warn Connection refused: 127.0.0.1:50001: ' +
        'Protocol Error (0x82): The first packet is not CONNECT. The first bytes look like TLS.',
    ])
  })

  it('because it did not send CONNECT in time is a warning', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
    broker.stop()
    start({ connectDeadlineMs: 1_000 })
    broker.open(0)
    vi.advanceTimersByTime(2_000)
    expect(logged()).toEqual([
      'warn Connection refused: 127.0.0.1:50001: not connected within connectDeadlineMs, 1000 ms',
    ])
  })
})

it('a connection that ends before CONNECT is no warning, and is only at level debug when nothing came', () => {
  const silent = broker.open(0)
  const halfway = broker.open(0)
  halfway.connection.bytesReceived = 5
  for (const client of [silent, halfway]) lose(client, 'client', 'client closed the network connection')
  const text = (n: number) =>
    `Connection closed before CONNECT was accepted: 127.0.0.1:5000${n}: client closed the network connection`
  expect(logged()).toEqual([`debug ${text(1)}`, `info ${text(2)}`])
})

describe('a takeover', () => {
  const byWhom = 'closed by the broker: Session taken over (0x8E) by 127.0.0.1'

  it.each([
    ['published', 'at once', { will }, {}],
    ['published', 'when its session ends', persistent('kitchen', { will: delayed }), { clean: true }],
    ['published', 'when its session ends with it', { will: delayed }, {}],
    ['deleted', 'before its delay is over', persistent('kitchen', { will: delayed }), { clean: false }],
  ])('says by whom, and that the Will is %s %s', (outcome, _, first, second) => {
    connected(first)
    broker.connect({ ...kitchen, ...second })
    const line = broker.log.lines.find(({ message }) => message.startsWith('Client disconnected'))
    expect(line).toMatchObject({ client: 'kitchen', remote: '127.0.0.1:50001', takenOverBy: '127.0.0.1:50002' })
    expect(line?.level).toBe('info')
    expect(line?.message).toBe(
      `Client disconnected: kitchen from 127.0.0.1:50001 (MQTT 5, Will ${outcome}): ${byWhom}:50002`,
    )
  })

  it('again and again is named once, and not logged any more', () => {
    for (let n = 0; n < 20; n++) broker.connect(kitchen)
    broker.connect({ clientId: 'bedroom' })
    expect(broker.core.counters.takeovers).toBe(19)
    const lines = broker.log.lines.filter(({ level }) => level !== 'debug')
    expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
      {
        client: 'kitchen',
        takeovers: 5,
        message: expect.stringContaining('two devices with the same Client Identifier'),
      },
    ])
    // Five connected, four were taken over before it was too much.
    expect(lines.filter(({ level, client }) => level === 'info' && client === 'kitchen')).toHaveLength(9)
    expect(lines.at(-1)).toMatchObject({ client: 'bedroom' })
    expect(broker.log.at('debug').filter(({ client }) => client === 'kitchen')).toHaveLength(30)
  })
})

it('a password that is not checked is a warning, once', () => {
  broker.connect({ ...kitchen, username: 'bob' })
  expect(broker.log.at('warn')).toEqual([])
  for (let n = 0; n < 3; n++) broker.connect({ ...kitchen, username: 'bob', password: Buffer.from('sesame') })
  expect(broker.log.at('warn')).toMatchObject([
    { client: 'kitchen', user: 'bob', message: expect.stringContaining('A password was not checked') },
  ])
  expect(JSON.stringify(broker.log.lines)).not.toContain('sesame')
})

it('a password of a refused client is not reported as unchecked', () => {
  broker.stop()
  start({}, { authenticationMethods: [new ControlledMethod()] })
  broker.open().take(connectPacket({ ...kitchen, username: 'bob', password: Buffer.from('sesame') }))
  expect(broker.log.at('warn')).toMatchObject([{ reason: 'Bad User Name or Password (0x86)' }])
})

it('unverified user names of one listener are reported once, if there is an authorizer', () => {
  const authenticators = [new ControlledAuthenticator('users')]
  const connectTwice = () => {
    for (let n = 0; n < 2; n += 1) {
      const client = broker.open()
      client.connection.listener = { ...client.connection.listener, authenticators: [] }
      client.take(connectPacket({ ...kitchen, username: 'bob' }))
    }
    return broker.log.at('warn').map(({ message }) => message)
  }
  broker.stop()
  start({}, { authenticators })
  expect(connectTwice()).toEqual([])
  broker.stop()
  start({}, { authenticators, authorizers: [{ mayPublish: () => 'allow', maySubscribe: () => 'allow' }] })
  expect(connectTwice()).toEqual([
    'User names of clients of server are not verified: it has no authenticators, but there is an authorizer. ' +
      'The first one came from kitchen from 127.0.0.1:50001',
  ])
})

it('refused messages and subscriptions name the client and the reason', () => {
  broker.stop()
  start({ maximumFilterLength: 3 })
  const client = connected()
  client.take({ cmd: 'publish', topic: '$SYS/a', payload: '', qos: 0, retain: false, dup: false })
  client.take({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/b/c', qos: 0 }] })
  expect(logged()).toEqual([
    'warn Message not accepted: kitchen from 127.0.0.1:50001 (MQTT 5): Topic Name invalid (0x90): topic $SYS/a; ' +
      'the next ones for the same reason are only counted',
    'warn Subscription refused: kitchen from 127.0.0.1:50001 (MQTT 5): Quota exceeded (0x97): more than 3 characters; ' +
      'the next ones for the same reason are not logged',
  ])
})

it('builds no line of a level that is not written', () => {
  broker.log.level = 'error'
  connected({ will }).lose()
  broker.open().fail({ reasonCode: 0x81, message: 'It is wrong.' })
  expect(logged()).toEqual([])
})
