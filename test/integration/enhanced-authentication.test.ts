import { connectAsync, type IClientOptions, MqttClient } from 'mqtt'
import type { Packet } from 'mqtt-packet'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatCredential } from '../../components/scram-sha-256/credential.ts'
import { deriveKeys } from '../../components/scram-sha-256/keys.ts'
import { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { defineComponent, defineSystem } from '../../src/system/define-system.ts'
import { AuthenticatingPeer, auth, connectWith, type FromBroker, SCRAM } from '../helpers/authenticating-peer.ts'
import { brokenMethod, ControlledMethod } from '../helpers/controlled-method.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { ScramClient } from '../helpers/scram-client.ts'
import { type Broker, quietSystem, startBroker } from '../helpers/start-broker.ts'

const { ContinueAuthentication, ReAuthenticate } = ReasonCode
const ann = { user: 'ann', password: 'pencil' }
const bob = { user: 'bob', password: 'eraser' }

const credentialOf = async (password: string): Promise<string> => {
  const salt = Buffer.from(`the salt of ${password}`)
  return formatCredential({ iterations: 4_096, salt, ...(await deriveKeys(password, salt, 4_096)) })
}
let users: Record<string, string>
beforeAll(async () => {
  users = { ann: await credentialOf('pencil'), bob: await credentialOf('eraser') }
})

let broker: Broker
let log: RecordingLogger
let controlled: ControlledMethod
const peers: AuthenticatingPeer[] = []
const method = (instance: AuthenticationMethod) =>
  defineComponent({ provides: AuthenticationMethod, needs: {}, config: z.strictObject({}), start: () => instance })

const start = async (handler: object = {}) => {
  log = new RecordingLogger()
  controlled = new ControlledMethod()
  const recorded = log
  broker = await startBroker(
    defineSystem({
      ...quietSystem,
      logger: {
        component: defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => recorded }),
      },
      scramSha256: { ...quietSystem.scramSha256, enabled: true, config: { users } },
      topicRules: {
        ...quietSystem.topicRules,
        enabled: true,
        config: {
          rules: [
            { action: 'all', filter: 'open/#', allow: true },
            { action: 'all', filter: 'users/%u/#', allow: true },
          ],
          default: 'deny',
        },
      },
      controlled: { component: method(controlled) },
      throwing: {
        component: method(
          brokenMethod('THROWING', () => {
            throw new Error('no good')
          }),
        ),
      },
      rejecting: { component: method(brokenMethod('REJECTING', () => Promise.reject(new Error('no good')))) },
      neverBegins: {
        component: method(
          brokenMethod(
            'NEVER-BEGINS',
            () => ({ result: 'success', userName: 'x' }),
            () => {
              throw new Error('no good')
            },
          ),
        ),
      },
      nonsense: { component: method(brokenMethod('NONSENSE', async () => ({ result: 'continue' }) as never)) },
      mqttHandler: {
        ...quietSystem.mqttHandler,
        config: handler,
        dependencies: {
          ...quietSystem.mqttHandler.dependencies!,
          authenticationMethods: ['scramSha256', 'controlled', 'throwing', 'rejecting', 'neverBegins', 'nonsense'],
        },
      },
    }),
  )
}
beforeEach(() => start())
afterEach(async () => {
  for (const { socket } of peers.splice(0)) socket.destroy()
  await broker.stop()
})

const open = async () => {
  const peer = await AuthenticatingPeer.open(broker.port)
  peers.push(peer)
  return peer
}
/** A client that is connected as ann, unless told otherwise. */
const connected = async (clientId = 'client', user = ann) => {
  const peer = await open()
  const { verdict } = await peer.authenticate(user, { clientId })
  expect(verdict).toMatchObject({ cmd: 'connack', reasonCode: 0 })
  return peer
}
/** Whoever is connected under this identifier, or none. */
const sessions = () => [...(broker.map.mqttHandler as unknown as { sessions: Iterable<{ id: string }> }).sessions]

const refusal = (reasonCode: number) => ({ cmd: 'connack', reasonCode, sessionPresent: false })
const dataOf = ({ properties }: FromBroker) => properties?.authenticationData

describe('an exchange', () => {
  it('goes CONNECT, AUTH, AUTH, CONNACK, and proves the broker to the client, too', async () => {
    const peer = await open()
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

  it('makes the client its user, whatever User Name it gives', async () => {
    const peer = await open()
    await peer.authenticate(ann, { username: 'bob' })
    const publish = (topic: string): Packet => ({
      ...{ cmd: 'publish', topic, payload: 'x', qos: 1, messageId: 1, retain: false, dup: false },
    })
    expect(await peer.send(publish('users/ann/a')).next()).toMatchObject({ cmd: 'puback', reasonCode: 0x10 })
    expect(await peer.send(publish('users/bob/a')).next()).toMatchObject({
      cmd: 'puback',
      reasonCode: ReasonCode.NotAuthorized,
    })
  })

  it('goes with mqtt.js', async () => {
    const scram = new ScramClient(ann)
    let last: Buffer | undefined
    const options: IClientOptions = {
      protocolVersion: 5,
      reconnectPeriod: 0,
      properties: { authenticationMethod: SCRAM, authenticationData: scram.first() },
      customHandleAcks: () => undefined,
    }
    const original = MqttClient.prototype.handleAuth
    MqttClient.prototype.handleAuth = (packet, callback) =>
      callback(undefined as never, auth(ContinueAuthentication, scram.answer(packet.properties!.authenticationData!)))
    try {
      const client = await connectAsync({ ...options, host: '127.0.0.1', port: broker.port }).then((each) => each)
      await client.subscribeAsync('users/ann/#')
      const message = new Promise((resolve) => client.once('message', (topic) => resolve(topic)))
      await client.publishAsync('users/ann/a', 'x')
      expect(await message).toBe('users/ann/a')
      await client.endAsync()
    } finally {
      MqttClient.prototype.handleAuth = original
    }
    expect(last).toBeUndefined()
  })

  it('may be broken off with DISCONNECT', async () => {
    const peer = await open()
    const first = new ScramClient(ann).first()
    peer.sendConnect({}, { authenticationMethod: SCRAM, authenticationData: first })
    await peer.next()
    expect(await peer.send({ cmd: 'disconnect', reasonCode: 0 }).rest()).toEqual([])
    expect(sessions()).toEqual([])
  })

  it('is over when connectDeadlineMs is', async () => {
    await broker.stop()
    await start({ connectDeadlineMs: 100 })
    const peer = await open()
    peer.sendConnect({}, { authenticationMethod: 'CONTROLLED' })
    const step = await controlled.step(0)
    expect(await peer.rest()).toEqual([])
    // The answer comes too late, and does no harm.
    step.answer({ result: 'success', userName: 'ann' })
    await connected()
  })
})

describe('who is not let in', () => {
  it.each([
    ['with a wrong password', { ...ann, password: 'pencils' }],
    ['as a user that does not exist', { ...ann, user: 'nobody' }],
    ['with the password of somebody else', { ...ann, password: bob.password }],
    ['to act as somebody else', { ...ann, gs2Header: 'n,a=bob,' }],
  ])('%s gets CONNACK 0x87, without a word on why', async (_, options) => {
    const peer = await open()
    const { verdict } = await peer.authenticate(options)
    expect(verdict).toMatchObject(refusal(ReasonCode.NotAuthorized))
    expect(verdict.properties ?? {}).toEqual({})
    expect(await peer.rest()).toEqual([]) // [MQTT-4.12.0-4]
    expect(log.at('warn')).toEqual([expect.objectContaining({ reason: expect.stringMatching(/SCRAM-SHA-256: /) })])
  })

  it('by a method that is not there, gets 0x8C', async () => {
    for (const authenticationMethod of ['SCRAM-SHA-1', 'scram-sha-256', '']) {
      const peer = await open()
      peer.sendConnect({}, { authenticationMethod, authenticationData: new ScramClient(ann).first() })
      expect(await peer.rest()).toMatchObject([refusal(ReasonCode.BadAuthenticationMethod)]) // [MQTT-4.12.0-1]
    }
  })

  it('with data that is no SCRAM, or with none, gets 0x82', async () => {
    for (const data of [{}, { authenticationData: Buffer.from('pencil') }, { authenticationData: Buffer.alloc(0) }]) {
      const peer = await open()
      peer.sendConnect({}, { authenticationMethod: SCRAM, ...data })
      expect(await peer.rest()).toMatchObject([refusal(ReasonCode.ProtocolError)])
    }
  })

  it('leaves neither Will nor session, and disturbs nobody', async () => {
    const victim = await connected('client')
    victim.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'open/#', qos: 0 }] })
    await victim.next()
    const attacker = await open()
    const will = { topic: 'open/will', payload: Buffer.from('boo'), qos: 0 as const, retain: false }
    await attacker.authenticate({ ...ann, password: 'x' }, { clientId: 'client', will, clean: true })
    await attacker.rest()
    expect(await victim.answers()).toBe(true)
    expect(sessions().map(({ id }) => id)).toEqual(['client'])
  })
})

describe('a client of another user', () => {
  it('does not take over a Client Identifier, connected or away', async () => {
    const victim = await open()
    await victim.authenticate(ann, { clientId: 'mine', clean: false }, { sessionExpiryInterval: 100 })
    const refused = async (user: typeof ann, clean: boolean) => {
      const thief = await open()
      const { verdict } = await thief.authenticate(user, { clientId: 'mine', clean })
      expect(verdict).toMatchObject(refusal(ReasonCode.NotAuthorized))
    }
    await refused(bob, false)
    await refused(bob, true)
    expect(await victim.answers()).toBe(true)
    await victim.send({ cmd: 'disconnect', reasonCode: 0 }).rest()
    await refused(bob, false)
    await refused(bob, true)
    const back = await open()
    const { verdict } = await back.authenticate(ann, { clientId: 'mine', clean: false })
    expect(verdict).toMatchObject({ reasonCode: 0, sessionPresent: true })
  })

  it('of the same user does', async () => {
    const first = await connected('mine')
    const second = await connected('mine')
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
    ['another CONNECT', connectWith()],
    ['AUTH with Re-authenticate', auth(ReAuthenticate, new ScramClient(ann).first())],
    ['AUTH with Success', auth(ReasonCode.Success)],
    ['AUTH with another method', auth(ContinueAuthentication, Buffer.from('x'), 'CONTROLLED')],
  ])('%s is refused with 0x82', async (_, packet) => {
    const peer = await open()
    const scram = new ScramClient(ann)
    peer.sendConnect({}, { authenticationMethod: SCRAM, authenticationData: scram.first() })
    const challenge = await peer.next()
    peer.send(packet, auth(ContinueAuthentication, scram.answer(dataOf(challenge)!)))
    expect(await peer.rest()).toMatchObject([refusal(ReasonCode.ProtocolError)])
    expect(sessions()).toEqual([])
  })

  it('AUTH before CONNECT closes the connection', async () => {
    const peer = await open()
    expect(await peer.send(auth(ContinueAuthentication, new ScramClient(ann).first())).rest()).toEqual([])
  })

  it('nothing is read while the method takes its time', async () => {
    const peer = await open()
    const data = (number: number) => auth(ContinueAuthentication, Buffer.from(`data ${number}`), 'CONTROLLED')
    const first = connectWith({}, { authenticationMethod: 'CONTROLLED', authenticationData: Buffer.from('data 0') })
    peer.send(first, data(1), data(2), { cmd: 'pingreq' })
    for (let number = 0; number < 3; number += 1) {
      const step = await controlled.step(number)
      // Another client's whole exchange goes through meanwhile.
      await connected(`other ${number}`)
      expect(controlled.steps.map((each) => each.data)).toEqual(
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
      const peer = await open()
      peer.sendConnect({}, { authenticationMethod })
      expect(await peer.rest()).toMatchObject([refusal(ReasonCode.UnspecifiedError)])
      expect(log.at('error')).toEqual([
        expect.objectContaining({ method: authenticationMethod, err: expect.any(Error) }),
      ])
      await connected()
    },
  )

  it('the Maximum Packet Size of the client holds', async () => {
    const peer = await open()
    peer.sendConnect({}, { authenticationMethod: 'CONTROLLED', maximumPacketSize: 100 })
    const step = await controlled.step(0)
    step.answer({ result: 'continue', data: Buffer.alloc(100) })
    peer.send({ cmd: 'disconnect', reasonCode: 0 })
    expect(await peer.rest()).toEqual([]) // [MQTT-3.1.2-24]
  })
})

describe('a re-authentication', () => {
  const again = (peer: AuthenticatingPeer, options = ann) =>
    peer.exchange((first) => peer.send(auth(ReAuthenticate, first)), options)

  it('ends with AUTH and Success, as often as the client likes', async () => {
    const peer = await connected()
    for (let round = 0; round < 3; round += 1) {
      const { scram, challenge, verdict } = await again(peer)
      expect(challenge).toMatchObject({ reasonCode: ContinueAuthentication })
      expect(verdict).toMatchObject({ cmd: 'auth', reasonCode: 0, properties: { authenticationMethod: SCRAM } })
      expect(scram.verifies(dataOf(verdict))).toBe(true)
    }
    expect(await peer.answers()).toBe(true)
  })

  it('lets the client go on meanwhile', async () => {
    const peer = await connected()
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
    const peer = await connected()
    const { verdict } = await again(peer, options)
    expect(verdict).toMatchObject({ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }) // [MQTT-4.12.1-2]
    expect(await peer.rest()).toEqual([])
  })

  it.each<[string, Packet]>([
    ['of another method', auth(ReAuthenticate, new ScramClient(ann).first(), 'CONTROLLED')], // [MQTT-4.12.1-1]
    ['that does not begin with Re-authenticate', auth(ContinueAuthentication, new ScramClient(ann).first())],
    ['that begins with Success', auth(ReasonCode.Success)],
  ])('%s is a Protocol Error', async (_, packet) => {
    const peer = await connected()
    expect(await peer.send(packet).rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
  })

  it('does not begin again before it has ended', async () => {
    const peer = await connected()
    const first = auth(ReAuthenticate, new ScramClient(ann).first())
    await peer.send(first).next()
    expect(await peer.send(first).rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ProtocolError }])
  })
})
