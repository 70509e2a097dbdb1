import type { IPublishPacket, QoS } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { AuthenticatingBroker, ann, bob } from '../helpers/authenticating-broker.ts'
import type { AuthenticatingPeer } from '../helpers/authenticating-peer.ts'

let broker: AuthenticatingBroker
beforeEach(async () => {
  broker = await AuthenticatingBroker.start(
    {},
    {
      rules: [
        { action: 'receive', filter: 'open/secret', allow: true, user: 'bob' },
        { action: 'receive', filter: 'open/secret', allow: false },
        { action: 'publish', filter: 'open/will/%c', allow: false },
        { action: 'all', filter: 'open/#', allow: true },
        { action: 'all', filter: 'users/%u/#', allow: true },
      ],
      default: 'deny',
    },
  )
})
afterEach(() => broker.stop())

const message = (topic: string, fields: Partial<IPublishPacket> = {}): IPublishPacket => ({
  ...{ cmd: 'publish', topic, payload: 'x', qos: 0, retain: false, dup: false },
  ...fields,
})
const subscribe = async (peer: AuthenticatingPeer, qos: QoS, ...topics: string[]) => {
  peer.send({ cmd: 'subscribe', messageId: 7, subscriptions: topics.map((topic) => ({ topic, qos })) })
  return ((await peer.next()) as { granted?: number[] }).granted
}

describe('topic rules', () => {
  it('refuse a message at QoS 1 and 2 with 0x87, and drop one at QoS 0', async () => {
    const [publisher, subscriber] = [await broker.connected('publisher'), await broker.connected('subscriber', bob)]
    await subscribe(subscriber, 0, 'users/bob/#', 'open/#')
    publisher.send(message('users/bob/a'), message('users/bob/a', { qos: 1, messageId: 1 }))
    expect(await publisher.next()).toMatchObject({ cmd: 'puback', reasonCode: ReasonCode.NotAuthorized })
    publisher.send(message('users/bob/a', { qos: 2, messageId: 2 }))
    expect(await publisher.next()).toMatchObject({ cmd: 'pubrec', reasonCode: ReasonCode.NotAuthorized })
    publisher.send(message('open/a'))
    expect(await subscriber.next()).toMatchObject({ topic: 'open/a' })
  })

  it('refuse what reaches beyond, shared or not, and grant the rest of the same packet', async () => {
    const peer = await broker.connected()
    const filters = [
      'users/ann/#',
      'users/bob/#',
      'users/+/a',
      '#',
      '$SYS/#',
      '$share/g/users/bob/a',
      '$share/g/open/#',
    ]
    const refused = ReasonCode.NotAuthorized
    expect(await subscribe(peer, 1, ...filters)).toEqual([1, refused, refused, refused, refused, refused, 1])
  })

  it.each([0, 1, 2] as const)('hold back what may not be received, at QoS %j, and what follows comes', async (qos) => {
    const [publisher, subscriber] = [await broker.connected('publisher'), await broker.connected('subscriber')]
    const allowed = await broker.connected('allowed', bob)
    for (const peer of [subscriber, allowed]) expect(await subscribe(peer, qos, 'open/#')).toEqual([qos])
    // More than fit in flight.
    for (let round = 0; round < 300; round += 1)
      publisher.send(message('open/secret', { qos: 1, messageId: 1 + round }))
    publisher.send(message('open/a', { qos: 2, messageId: 1_000 }))
    expect(await subscriber.next()).toMatchObject({ topic: 'open/a' })
    expect(await allowed.next()).toMatchObject({ topic: 'open/secret' })
  })

  it('hold back a retained message', async () => {
    const publisher = await broker.connected('publisher')
    for (const topic of ['open/secret', 'open/a']) {
      publisher.send(message(topic, { qos: 1, messageId: 1, retain: true }))
      await publisher.next()
    }
    const subscriber = await broker.connected('subscriber')
    await subscribe(subscriber, 1, 'open/#')
    expect(await subscriber.next()).toMatchObject({ topic: 'open/a' })
    expect(await subscriber.answers()).toBe(true)
    const allowed = await broker.connected('allowed', bob)
    await subscribe(allowed, 1, 'open/secret')
    expect(await allowed.next()).toMatchObject({ topic: 'open/secret' })
  })

  it('refuse a CONNECT whose Will may not be published', async () => {
    for (const topic of ['users/bob/will', 'open/will/client']) {
      const peer = await broker.open()
      const will = { topic, payload: Buffer.from('x'), qos: 0 as const, retain: false }
      const { verdict } = await peer.authenticate(ann, { will })
      expect(verdict.cmd).toBe('connack')
      expect(verdict.reasonCode).toBeGreaterThanOrEqual(0x80)
      expect(broker.sessions).toEqual([])
    }
  })
})

describe('topic rules for clients without a user name', () => {
  let open: AuthenticatingBroker
  beforeEach(async () => {
    open = await AuthenticatingBroker.start(
      {},
      {
        rules: [
          { action: 'subscribe', filter: 'public/#', allow: true, anonymous: true },
          { action: 'all', filter: 'members/#', allow: true, anonymous: false },
        ],
        default: 'deny',
      },
      { allowAnonymous: true },
    )
  })
  afterEach(() => open.stop())

  it('hold for those that are let in without authentication, and for no user', async () => {
    const [guest, member] = [await open.open(), await open.connected('member')]
    guest.sendConnect({ clientId: 'guest' })
    expect(await guest.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    const refused = ReasonCode.NotAuthorized
    expect(await subscribe(guest, 0, 'public/a', 'members/a')).toEqual([0, refused])
    expect(await subscribe(member, 0, 'public/a', 'members/a')).toEqual([refused, 0])
  })
})
