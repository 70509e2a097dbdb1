import { connect } from 'mqtt'
import type { IConnackPacket, IConnectPacket, Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { AuthenticatingBroker, ann, bob } from '../helpers/authenticating-broker.ts'
import { type AuthenticatingPeer, auth, type FromBroker, SCRAM } from '../helpers/authenticating-peer.ts'
import { connectPacket } from '../helpers/connect-packet.ts'
import { withinRealTime } from '../helpers/eventually.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { ScramClient } from '../helpers/scram-client.ts'

const { ContinueAuthentication, ReAuthenticate } = ReasonCode

let broker: AuthenticatingBroker
beforeEach(async () => {
  broker = await AuthenticatingBroker.start()
})
afterEach(() => broker.stop())

/** Another broker for the rest of the test. @param handler config of mqttHandler. @param server config of server. */
const restart = async (handler: object, server: object = {}) => {
  await broker.stop()
  broker = await AuthenticatingBroker.start(handler, undefined, server)
}

/** The Reason Code for a message at QoS 1. */
const published = async (peer: AuthenticatingPeer, topic: string) => {
  peer.send({ cmd: 'publish', topic, payload: 'x', qos: 1, messageId: 1, retain: false, dup: false })
  return (await peer.next()).reasonCode
}

const refusal = (reasonCode: number) => ({ cmd: 'connack', reasonCode, sessionPresent: false })
const dataOf = ({ properties }: FromBroker) => properties?.authenticationData

describe('an exchange', () => {
  it('goes CONNECT, AUTH, AUTH, CONNACK, and proves the broker to the client, too', async () => {
    const peer = await broker.open()
    const { scram, challenge, verdict } = await peer.authenticate(ann)
    expect(challenge).toMatchObject({
      cmd: 'auth',
      reasonCode: ContinueAuthentication, // [MQTT-4.12.0-2]
      properties: { authenticationMethod: SCRAM }, // [MQTT-4.12.0-5]
    })
    expect(verdict).toMatchObject({ cmd: 'connack', reasonCode: 0, properties: { authenticationMethod: SCRAM } })
    expect(scram.verifies(dataOf(verdict))).toBe(true)
    expect(await peer.answers()).toBe(true)
  })

  it('gives the client its user, with any User Name in CONNECT', async () => {
    const peer = await broker.open()
    await peer.authenticate(ann, { username: 'bob' })
    expect(await published(peer, 'users/ann/a')).toBe(ReasonCode.NoMatchingSubscribers)
    expect(await published(peer, 'users/bob/a')).toBe(ReasonCode.NotAuthorized)
  })

  it('goes with mqtt.js', async () => {
    const scram = new ScramClient(ann)
    const client = connect({
      host: '127.0.0.1',
      port: broker.port,
      protocolVersion: 5,
      reconnectPeriod: 0,
      properties: { authenticationMethod: SCRAM, authenticationData: scram.first() },
    })
    client.handleAuth = ({ properties }, answer) =>
      answer(undefined as never, auth(ContinueAuthentication, scram.answer(properties!.authenticationData!)))
    const { properties } = await new Promise<IConnackPacket>((resolve) => client.once('connect', resolve))
    expect(scram.verifies(properties?.authenticationData)).toBe(true)
    await client.subscribeAsync('users/ann/#')
    const topic = new Promise((resolve) => client.once('message', resolve))
    await client.publishAsync('users/ann/a', 'x')
    expect(await topic).toBe('users/ann/a')
    await client.endAsync()
  })

  it('may be broken off with DISCONNECT', async () => {
    const peer = await broker.open()
    const first = new ScramClient(ann).first()
    peer.sendConnect({}, { authenticationMethod: SCRAM, authenticationData: first })
    await peer.next()
    expect(await peer.send({ cmd: 'disconnect', reasonCode: 0 }).rest()).toEqual([])
    expect(broker.sessions).toEqual([])
  })

  it('ends after connectDeadlineMs if the client does not continue', withinRealTime, async () => {
    await restart({ connectDeadlineMs: 500 })
    const peer = await broker.open()
    peer.sendConnect({}, { authenticationMethod: SCRAM, authenticationData: new ScramClient(ann).first() })
    expect(await peer.rest()).toMatchObject([{ cmd: 'auth' }])
    expect(broker.sessions).toEqual([])
  })

  it('ends after connectDeadlineMs, with 0x80 if the method does not answer', withinRealTime, async () => {
    await restart({ connectDeadlineMs: 500 })
    const peer = await broker.open()
    peer.sendConnect({}, { authenticationMethod: 'CONTROLLED' })
    const step = await broker.controlled.step(0)
    expect(await peer.rest()).toMatchObject([refusal(ReasonCode.UnspecifiedError)])
    // The answer comes too late, and does no harm.
    step.answer({ result: 'success', userName: 'ann' })
    await broker.connected()
    expect(broker.sessions).toEqual(['client'])
  })
})

describe('refused clients', () => {
  it.each([
    ['with a wrong password', { ...ann, password: 'pencils' }],
    ['as a user that does not exist', { ...ann, user: 'nobody' }],
    ['with the password of another user', { ...ann, password: bob.password }],
    ['to act as another user', { ...ann, gs2Header: 'n,a=bob,' }],
  ])('%s gets CONNACK 0x87, without a reason', async (_, options) => {
    const peer = await broker.open()
    const { verdict } = await peer.authenticate(options)
    expect(verdict).toMatchObject(refusal(ReasonCode.NotAuthorized))
    expect(verdict.properties ?? {}).toEqual({})
    expect(await peer.rest()).toEqual([]) // [MQTT-4.12.0-4]
    expect(broker.log.at('warn')).toEqual([
      expect.objectContaining({
        client: 'client',
        reason: 'Not authorized (0x87)',
        why: expect.stringMatching(/SCRAM-SHA-256: /),
      }),
    ])
  })

  it('by a method that is not there, gets 0x8C', async () => {
    for (const authenticationMethod of ['SCRAM-SHA-1', 'scram-sha-256', '']) {
      const peer = await broker.open()
      peer.sendConnect({}, { authenticationMethod, authenticationData: new ScramClient(ann).first() })
      expect(await peer.rest()).toMatchObject([refusal(ReasonCode.BadAuthenticationMethod)]) // [MQTT-4.12.0-1]
    }
  })

  it('with data that is no SCRAM, or with none, gets 0x82', async () => {
    for (const data of [{}, { authenticationData: Buffer.from('pencil') }, { authenticationData: Buffer.alloc(0) }]) {
      const peer = await broker.open()
      peer.sendConnect({}, { authenticationMethod: SCRAM, ...data })
      expect(await peer.rest()).toMatchObject([refusal(ReasonCode.ProtocolError)])
    }
  })

  it('leaves no Will and no session, and does not affect other clients', async () => {
    const victim = await broker.connected('client')
    victim.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'open/#', qos: 0 }] })
    await victim.next()
    const attacker = await broker.open()
    const will = { topic: 'open/will', payload: Buffer.from('boo'), qos: 0 as const, retain: false }
    await attacker.authenticate({ ...ann, password: 'x' }, { clientId: 'client', will, clean: true })
    await attacker.rest()
    expect(await victim.answers()).toBe(true)
    expect(broker.sessions).toEqual(['client'])
  })
})

describe('a client that names no method', () => {
  it('is not let in where there are methods', async () => {
    const peer = await broker.open()
    peer.sendConnect({ username: 'ann' })
    expect(await peer.rest()).toMatchObject([refusal(ReasonCode.BadUserNameOrPassword)])
    const anonymous = await broker.open()
    expect(await anonymous.sendConnect().rest()).toMatchObject([refusal(ReasonCode.NotAuthorized)])
    // MQTT 3.1.1, with the User Name `ann`, and without.
    const earlier = await RawClient.connect(broker.port)
    expect(await earlier.send('1011 00044d515454 04 82 0000 0000 0003616e6e').rest()).toBe('20020004')
    const earlierAnonymous = await RawClient.connect(broker.port)
    expect(await earlierAnonymous.send('100c 00044d515454 04 02 0000 0000').rest()).toBe('20020005')
  })

  describe('where allowAnonymous accepts it', () => {
    beforeEach(async () => {
      await restart({}, { allowAnonymous: true })
    })
    const stranger = async (fields: Partial<IConnectPacket> = {}) => {
      const peer = await broker.open()
      return { peer, connack: await peer.sendConnect({ clientId: 'stranger', ...fields }).next() }
    }

    it('is not let in with a User Name: nothing would check it', async () => {
      const { connack } = await stranger({ username: 'ann', password: Buffer.from('pencil') })
      expect(connack).toMatchObject(refusal(ReasonCode.BadUserNameOrPassword))
    })

    it('has no user', async () => {
      const { peer, connack } = await stranger()
      expect(connack.reasonCode).toBe(0)
      expect(connack.properties).not.toHaveProperty('authenticationMethod') // [MQTT-4.12.0-6]
      expect(await published(peer, 'open/a')).toBe(ReasonCode.NoMatchingSubscribers)
      expect(await published(peer, 'users/ann/a')).toBe(ReasonCode.NotAuthorized)
    })

    it('does not get the session of a user', async () => {
      const victim = await broker.connected('mine')
      const { connack } = await stranger({ clientId: 'mine' })
      expect(connack).toMatchObject(refusal(ReasonCode.NotAuthorized))
      expect(await victim.answers()).toBe(true)
    })

    it.each([ReAuthenticate, ContinueAuthentication, ReasonCode.Success])(
      'sends no AUTH with %j',
      async (reasonCode) => {
        const { peer } = await stranger()
        peer.send(auth(reasonCode, new ScramClient(ann).first()))
        // [MQTT-4.12.0-7]
        expect(await peer.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
      },
    )
  })
})

describe('a client of another user', () => {
  it('does not take over a Client Identifier, connected or away', async () => {
    const victim = await broker.open()
    await victim.authenticate(ann, { clientId: 'mine', clean: false }, { sessionExpiryInterval: 100 })
    const refused = async (user: typeof ann, clean: boolean) => {
      const thief = await broker.open()
      const { verdict } = await thief.authenticate(user, { clientId: 'mine', clean })
      expect(verdict).toMatchObject(refusal(ReasonCode.NotAuthorized))
    }
    await refused(bob, false)
    await refused(bob, true)
    expect(await victim.answers()).toBe(true)
    await victim.send({ cmd: 'disconnect', reasonCode: 0 }).rest()
    await refused(bob, false)
    await refused(bob, true)
    const back = await broker.open()
    const { verdict } = await back.authenticate(ann, { clientId: 'mine', clean: false })
    expect(verdict).toMatchObject({ reasonCode: 0, sessionPresent: true })
  })

  it('of the same user does', async () => {
    const first = await broker.connected('mine')
    const second = await broker.connected('mine')
    expect(await first.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.SessionTakenOver }])
    expect(await second.answers()).toBe(true)
  })
})

describe('during the exchange', () => {
  // [MQTT-3.1.2-30]
  it.each<[string, Packet]>([
    ['PUBLISH', { cmd: 'publish', topic: 'open/a', payload: 'x', qos: 0, retain: false, dup: false }],
    ['SUBSCRIBE', { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'open/a', qos: 0 }] }],
    ['UNSUBSCRIBE', { cmd: 'unsubscribe', messageId: 1, unsubscriptions: ['open/a'] }],
    ['PUBACK', { cmd: 'puback', messageId: 1 }],
    ['PINGREQ', { cmd: 'pingreq' }],
    ['another CONNECT', connectPacket({}, 5)],
    ['AUTH with Re-authenticate', auth(ReAuthenticate, new ScramClient(ann).first())],
    ['AUTH with Success', auth(ReasonCode.Success)],
    ['AUTH with another method', auth(ContinueAuthentication, Buffer.from('x'), 'CONTROLLED')],
  ])('%s is refused with 0x82', async (_, packet) => {
    const peer = await broker.open()
    const scram = new ScramClient(ann)
    peer.sendConnect({}, { authenticationMethod: SCRAM, authenticationData: scram.first() })
    const challenge = await peer.next()
    peer.send(packet, auth(ContinueAuthentication, scram.answer(dataOf(challenge)!)))
    expect(await peer.rest()).toMatchObject([refusal(ReasonCode.ProtocolError)])
    expect(broker.sessions).toEqual([])
  })

  it('AUTH before CONNECT closes the connection', async () => {
    const peer = await broker.open()
    expect(await peer.send(auth(ContinueAuthentication, new ScramClient(ann).first())).rest()).toEqual([])
  })

  it('nothing is read while the method is working', async () => {
    const peer = await broker.open()
    const data = (number: number) => auth(ContinueAuthentication, Buffer.from(`data ${number}`), 'CONTROLLED')
    const first = connectPacket(
      { properties: { authenticationMethod: 'CONTROLLED', authenticationData: Buffer.from('data 0') } },
      5,
    )
    peer.send(first, data(1), data(2), { cmd: 'pingreq' })
    for (let number = 0; number < 3; number += 1) {
      const step = await broker.controlled.step(number)
      // Another client's whole exchange goes through meanwhile.
      await broker.connected(`other ${number}`)
      expect(broker.controlled.steps.map((each) => each.data)).toEqual(
        Array.from({ length: number + 1 }, (_, index) => `data ${index}`),
      )
      step.answer(
        number < 2 ? { result: 'continue', data: Buffer.from(`${number}`) } : { result: 'success', userName: 'ann' },
      )
    }
    const answers = [await peer.next(), await peer.next(), await peer.next(), await peer.next()]
    expect(answers.map(({ cmd }) => cmd)).toEqual(['auth', 'auth', 'connack', 'pingresp'])
  })

  it.each(['THROWING', 'REJECTING', 'NEVER-BEGINS', 'NONSENSE'])(
    'a method that fails (%s) costs the client 0x80, and the log has it',
    async (authenticationMethod) => {
      const peer = await broker.open()
      peer.sendConnect({}, { authenticationMethod })
      expect(await peer.rest()).toMatchObject([refusal(ReasonCode.UnspecifiedError)])
      expect(broker.log.at('error')).toEqual([
        expect.objectContaining({ method: authenticationMethod, err: expect.any(Error) }),
      ])
      await broker.connected()
    },
  )

  it('the Maximum Packet Size of the client holds', async () => {
    const peer = await broker.open()
    peer.sendConnect({}, { authenticationMethod: 'CONTROLLED', maximumPacketSize: 100 })
    const step = await broker.controlled.step(0)
    step.answer({ result: 'continue', data: Buffer.alloc(100) })
    // It would wait for an AUTH packet that cannot be sent [MQTT-3.1.2-24].
    expect(await peer.rest()).toMatchObject([refusal(ReasonCode.PacketTooLarge)])
  })
})

describe('a re-authentication', () => {
  const again = (peer: AuthenticatingPeer, options = ann) =>
    peer.exchange((first) => peer.send(auth(ReAuthenticate, first)), options)

  it('ends with AUTH and Success, as often as the client likes', async () => {
    const peer = await broker.connected()
    for (let round = 0; round < 3; round += 1) {
      const { scram, challenge, verdict } = await again(peer)
      expect(challenge).toMatchObject({ reasonCode: ContinueAuthentication })
      expect(verdict).toMatchObject({ cmd: 'auth', reasonCode: 0, properties: { authenticationMethod: SCRAM } })
      expect(scram.verifies(dataOf(verdict))).toBe(true)
    }
    expect(await peer.answers()).toBe(true)
  })

  it('does not block the client meanwhile', async () => {
    const peer = await broker.connected()
    const scram = new ScramClient(ann)
    const challenge = await peer.send(auth(ReAuthenticate, scram.first())).next()
    expect(await peer.answers()).toBe(true)
    const verdict = await peer.send(auth(ContinueAuthentication, scram.answer(dataOf(challenge)!))).next()
    expect(verdict).toMatchObject({ cmd: 'auth', reasonCode: 0 })
  })

  it.each([
    ['with a wrong password', { ...ann, password: 'x' }],
    ['as another user', bob],
  ])('that fails, %s, ends the connection with DISCONNECT 0x87', async (_, options) => {
    const peer = await broker.connected()
    const { verdict } = await again(peer, options)
    expect(verdict).toMatchObject({ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }) // [MQTT-4.12.1-2]
    expect(await peer.rest()).toEqual([])
  })

  it.each<[string, Packet]>([
    ['of another method', auth(ReAuthenticate, new ScramClient(ann).first(), 'CONTROLLED')], // [MQTT-4.12.1-1]
    ['that does not begin with Re-authenticate', auth(ContinueAuthentication, new ScramClient(ann).first())],
    ['that begins with Success', auth(ReasonCode.Success)],
  ])('%s is a Protocol Error', async (_, packet) => {
    const peer = await broker.connected()
    expect(await peer.send(packet).rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
  })

  it('that the method never answers ends the connection after connectDeadlineMs', withinRealTime, async () => {
    await restart({ connectDeadlineMs: 500 })
    const peer = await broker.open()
    peer.sendConnect({}, { authenticationMethod: 'CONTROLLED' })
    const first = await broker.controlled.step(0)
    first.answer({ result: 'success', userName: 'ann' })
    expect(await peer.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    peer.send(auth(ReAuthenticate, undefined, 'CONTROLLED'))
    expect(await peer.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.UnspecifiedError }])
    const second = await broker.controlled.step(1)
    second.answer({ result: 'success', userName: 'ann' })
    expect(broker.sessions).toEqual([])
  })

  it('does not begin again before it has ended', async () => {
    const peer = await broker.connected()
    const first = auth(ReAuthenticate, new ScramClient(ann).first())
    await peer.send(first).next()
    expect(await peer.send(first).rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
  })
})
