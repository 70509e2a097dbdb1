/** Connections and clients in the middle of something in the turn in which an edit of the handler or of the broker is applied, or undone. */

import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { generate } from 'mqtt-packet'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { auth, SCRAM } from '../helpers/authenticating-peer.ts'
import { testCertificates } from '../helpers/certificates.ts'
import { connectPacket } from '../helpers/connect-packet.ts'
import { eventually } from '../helpers/eventually.ts'
import { HoldingProxy, ResetWorld } from '../helpers/reset-world.ts'
import { ScramClient } from '../helpers/scram-client.ts'
import { SlowStore } from '../helpers/slow-store.ts'

const { ContinueAuthentication, ReAuthenticate } = ReasonCode
const ann = { user: 'ann', password: 'pencil' }

/** More than the operating system takes for a peer that does not read. */
const UNREAD = 40
const LARGE = 262_144

type Reset = (world: ResetWorld) => Promise<void>
const RESETS: Readonly<Record<string, Reset>> = {
  'an edit of mqttHandler': (world) => world.edit('mqttHandler'),
  'an edit of broker': (world) => world.edit('broker'),
  'an edit of both': (world) => world.edit('broker', 'mqttHandler'),
  'an edit of both that is undone': (world) => world.editInVain('broker', 'mqttHandler'),
}

let world: ResetWorld
let store: SlowStore
const start = async (automatic = true) => {
  store = new SlowStore({ automatic })
  world = await ResetWorld.start((await testCertificates()).server, store)
}
const subscribe = (topic: string, qos: 0 | 1 | 2) => ({
  cmd: 'subscribe' as const,
  messageId: 1,
  subscriptions: [{ topic, qos }],
})
const publish = (qos: 0 | 1 | 2, messageId: number, dup = false) => ({
  ...{ cmd: 'publish' as const, topic: 'a', payload: `${messageId}`, qos, messageId, dup, retain: false },
})
const persistent = { sessionExpiryInterval: 3_600 }

afterEach(async () => {
  vi.useRealTimers()
  await world.stop()
})

describe.each(Object.entries(RESETS))('%s in the middle of', (_, reset) => {
  it('handshakes of TLS: of half a ClientHello, and of a client that has not answered yet', async () => {
    await start()
    const { authority } = await testCertificates()
    const half = await HoldingProxy.start(world.port('tls'), 50)
    const unanswered = await HoldingProxy.start(world.port('tls'), Number.POSITIVE_INFINITY)
    world.onStop(() => half.stop())
    world.onStop(() => unanswered.stop())
    const [first, second] = [half, unanswered].map(({ port }) => {
      const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert, servername: 'localhost' })
      world.onStop(() => socket.destroy())
      return socket
    })
    await unanswered.answered
    // A round trip: what was written before it has arrived.
    expect(await (await world.connected('probe')).answers()).toBe(true)
    await reset(world)
    for (const [proxy, socket, clientId] of [
      [half, first, 'first'],
      [unanswered, second, 'second'],
    ] as const) {
      proxy.release()
      if (!socket!.authorized) await once(socket!, 'secureConnect')
      socket!.write(generate(connectPacket({ clientId }, 4), { protocolVersion: 4 }))
      expect((await once(socket!, 'data'))[0].toString('hex')).toBe('20020000')
    }
  })

  it('an exchange of SCRAM, at CONNECT and when a client authenticates again', async () => {
    await start()
    const [connecting, again] = [await world.peer(), await world.peer()]
    expect((await again.authenticate(ann, { clientId: 'again' })).verdict).toMatchObject({ reasonCode: 0 })
    const [one, two] = [new ScramClient(ann), new ScramClient(ann)]
    connecting.sendConnect({ clientId: 'new' }, { authenticationMethod: SCRAM, authenticationData: one.first() })
    again.send(auth(ReAuthenticate, two.first()))
    const [challenge, challengeAgain] = [await connecting.next(), await again.next()]
    await reset(world)
    connecting.send(auth(ContinueAuthentication, one.answer(challenge.properties!.authenticationData!)))
    const connack = await connecting.next()
    expect(connack).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    expect(one.verifies(connack.properties?.authenticationData)).toBe(true)
    again.send(auth(ContinueAuthentication, two.answer(challengeAgain.properties!.authenticationData!)))
    const success = await again.next()
    expect(success).toMatchObject({ cmd: 'auth', reasonCode: 0 })
    expect(two.verifies(success.properties?.authenticationData)).toBe(true)
    // A third time, with what is there now.
    expect((await again.exchange((data) => again.send(auth(ReAuthenticate, data)), ann)).verdict).toMatchObject({
      cmd: 'auth',
      reasonCode: 0,
    })
    expect([await connecting.answers(), await again.answers()]).toEqual([true, true])
  })

  it('a CONNECT, a SUBSCRIBE and a PUBLISH that wait for a slow store', async () => {
    await start(false)
    const [waiting, subscribing] = [await world.peer(), await world.peer()]
    const publishing = await world.connected('publishing')
    waiting.sendConnect({ clientId: 'waiting' }, persistent)
    subscribing.sendConnect({ clientId: 'subscribing' }, persistent)
    await eventually(() => expect(store.pending.length).toBeGreaterThan(1))
    store.settle()
    expect([await waiting.next(), await subscribing.next()]).toMatchObject([{ reasonCode: 0 }, { reasonCode: 0 }])
    subscribing.send(subscribe('a', 1))
    await eventually(() => expect(store.pending).toHaveLength(1))
    publishing.send(publish(1, 7))
    await eventually(() => expect(store.pending).toHaveLength(2))
    const late = await world.peer()
    late.sendConnect({ clientId: 'late' }, persistent)
    await eventually(() => expect(store.pending).toHaveLength(3))
    await reset(world)
    store.settle()
    expect(await late.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    // The message was sent at once; its PUBACK waits for nothing that the client has not got.
    expect([(await subscribing.next()).cmd, (await subscribing.next()).cmd].sort()).toEqual(['publish', 'suback'])
    expect(await publishing.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 })
    expect([await late.answers(), await publishing.answers()]).toEqual([true, true])
  })

  it('messages at QoS 2 in both directions', async () => {
    await start()
    const [sender, receiver] = [
      await world.connected('sender', {}, persistent),
      await world.connected('receiver', {}, persistent),
    ]
    receiver.send(subscribe('a', 2))
    expect(await receiver.next()).toMatchObject({ cmd: 'suback' })
    for (const id of [1, 2, 3]) expect(await sender.send(publish(2, id)).next()).toMatchObject({ cmd: 'pubrec' })
    const received = [await receiver.next(), await receiver.next(), await receiver.next()] as unknown as {
      messageId: number
    }[]
    expect(received).toMatchObject([
      { payload: Buffer.from('1') },
      { payload: Buffer.from('2') },
      { payload: Buffer.from('3') },
    ])
    const [first, second] = received.map(({ messageId }) => messageId)
    // The first is released, and PUBREC of the second is on its way.
    expect(await receiver.send({ cmd: 'pubrec', messageId: first! }).next()).toMatchObject({
      cmd: 'pubrel',
      messageId: first,
    })
    expect(await sender.send({ cmd: 'pubrel', messageId: 1 }).next()).toMatchObject({ cmd: 'pubcomp', messageId: 1 })
    await reset(world)
    expect(await sender.send(publish(2, 2, true)).next()).toMatchObject({ cmd: 'pubrec', messageId: 2, reasonCode: 0 })
    for (const messageId of [2, 3]) {
      expect(await sender.send({ cmd: 'pubrel', messageId }).next()).toMatchObject({
        cmd: 'pubcomp',
        messageId,
        reasonCode: 0,
      })
    }
    expect(await receiver.send({ cmd: 'pubrec', messageId: second! }).next()).toMatchObject({
      cmd: 'pubrel',
      messageId: second,
      reasonCode: 0,
    })
    receiver.send({ cmd: 'pubcomp', messageId: first! }, { cmd: 'pubcomp', messageId: second! })
    // Nothing came twice.
    expect([await sender.answers(), await receiver.answers()]).toEqual([true, true])
    receiver.socket.destroy()
    await once(receiver.socket, 'close')
    const again = await world.peer()
    again.sendConnect({ clientId: 'receiver', clean: false }, persistent)
    expect(await again.next()).toMatchObject({ cmd: 'connack', sessionPresent: true })
    // Only the third was not acknowledged.
    expect(await again.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('3'), dup: true })
    expect(await again.answers()).toBe(true)
  })

  it('connections that end: by the client, by the broker, and by a takeover', async () => {
    await start()
    const [leaving, lost, bad, old, watcher] = [
      await world.connected('leaving'),
      await world.connected('lost', { will: { topic: 'will', payload: Buffer.from('lost'), qos: 0, retain: false } }),
      await world.connected('bad'),
      await world.connected('old', {}, persistent),
      await world.connected('watcher'),
    ]
    watcher.send(subscribe('will', 0))
    expect(await watcher.next()).toMatchObject({ cmd: 'suback' })
    // The broker ends this connection, and the peer does not close its own side.
    bad.socket.pause()
    bad.socket.write(Buffer.from('f100', 'hex'))
    const taking = await world.peer()
    taking.sendConnect({ clientId: 'old', clean: false }, persistent)
    leaving.send({ cmd: 'disconnect', reasonCode: 0 })
    leaving.socket.end()
    lost.socket.resetAndDestroy()
    await reset(world)
    bad.socket.resume()
    expect(await bad.rest()).toMatchObject([{ cmd: 'disconnect' }])
    expect(await old.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.SessionTakenOver }])
    expect(await taking.next()).toMatchObject({ cmd: 'connack', sessionPresent: true })
    expect(await watcher.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('lost') })
    expect(await leaving.rest()).toEqual([])
    expect([await taking.answers(), await watcher.answers()]).toEqual([true, true])
    const { broker } = world.system.map as unknown as { broker: { clients(): Iterable<{ id: string }> } }
    expect([...broker.clients()].map(({ id }) => id).sort()).toEqual(['old', 'watcher'])
  })

  it('the times of a client: Keep Alive, Will Delay Interval and Session Expiry Interval', async () => {
    // The time of the broker is that of the test; the network has its own.
    vi.useFakeTimers()
    await start()
    const watcher = await world.connected('watcher')
    watcher.send(subscribe('will', 0))
    expect(await watcher.next()).toMatchObject({ cmd: 'suback' })
    const will = {
      topic: 'will',
      payload: Buffer.from('gone'),
      qos: 0 as const,
      retain: false,
      properties: { willDelayInterval: 30 },
    }
    const gone = await world.connected('gone', { will }, { sessionExpiryInterval: 40 })
    gone.send({ cmd: 'disconnect', reasonCode: ReasonCode.DisconnectWithWillMessage })
    expect(await gone.rest()).toEqual([])
    const silent = await world.connected('silent', { keepalive: 20 })
    vi.advanceTimersByTime(25_000)
    await reset(world)
    const probe = async () => expect(await watcher.answers()).toBe(true)
    const { broker } = world.system.map as unknown as { broker: { sessions(): Iterable<{ id: string }> } }
    const has = (id: string) => [...broker.sessions()].some((session) => session.id === id)
    vi.advanceTimersByTime(4_000)
    await probe()
    expect(silent.socket.readableEnded).toBe(false)
    vi.advanceTimersByTime(2_000)
    expect(await watcher.next()).toMatchObject({ cmd: 'publish', payload: Buffer.from('gone') })
    expect(await silent.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.KeepAliveTimeout }])
    vi.advanceTimersByTime(8_000)
    await probe()
    expect(has('gone')).toBe(true)
    vi.advanceTimersByTime(2_000)
    await probe()
    expect(has('gone')).toBe(false)
  })
})

it.each(Object.entries(RESETS))('%s waits for no peer that does not go on: no time passes', async (_, reset) => {
  // Nothing that waits for a deadline would end.
  vi.useFakeTimers()
  await start()
  const slow = await world.connected('slow')
  await slow.send(subscribe('large', 1)).next()
  slow.socket.pause()
  const { broker } = world.system.map as unknown as { broker: { publish(message: object): unknown } }
  for (let count = 0; count < UNREAD; count += 1) {
    broker.publish({ topic: 'large', payload: Buffer.alloc(LARGE, count), qos: 1 })
  }
  const unfinished = await Promise.all(
    Array.from({ length: 20 }, async (_each, index) => {
      const socket = connectTcp(world.port(index % 2 === 0 ? 'tls' : 'server'), '127.0.0.1')
      world.onStop(() => socket.destroy())
      await once(socket, 'connect')
      // Half of the header of a TLS record, or of a CONNECT.
      socket.write(Buffer.from(index % 2 === 0 ? '160301' : '101000044d51', 'hex'))
      return socket
    }),
  )
  const probe = await world.connected('probe')
  expect(await probe.answers()).toBe(true)
  await reset(world)
  expect(await probe.answers()).toBe(true)
  expect(unfinished.every(({ readableEnded, destroyed }) => !readableEnded && !destroyed)).toBe(true)
  slow.socket.resume()
  for (let count = 0; count < UNREAD; count += 1) {
    const message = (await slow.next()) as unknown as { payload: Buffer; messageId: number }
    expect([message.payload.length, message.payload[0]]).toEqual([LARGE, count])
    slow.send({ cmd: 'puback', messageId: message.messageId })
  }
})

it.each([
  ['was removed', {}],
  ['has another password', { password: 'eraser' }],
])('a user that %s by a reset does not get in by an exchange that began before', async (_, change) => {
  await start()
  const [connecting, again] = [await world.peer(), await world.peer()]
  expect((await again.authenticate(ann, { clientId: 'again' })).verdict).toMatchObject({ reasonCode: 0 })
  const [one, two] = [new ScramClient(ann), new ScramClient(ann)]
  connecting.sendConnect({ clientId: 'new' }, { authenticationMethod: SCRAM, authenticationData: one.first() })
  again.send(auth(ReAuthenticate, two.first()))
  const [challenge, challengeAgain] = [await connecting.next(), await again.next()]
  await world.setPassword('password' in change ? change.password : undefined)
  connecting.send(auth(ContinueAuthentication, one.answer(challenge.properties!.authenticationData!)))
  expect(await connecting.rest()).toMatchObject([{ cmd: 'connack', reasonCode: ReasonCode.NotAuthorized }])
  again.send(auth(ContinueAuthentication, two.answer(challengeAgain.properties!.authenticationData!)))
  expect(await again.rest()).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.NotAuthorized }])
})
