import { setImmediate as nextTurn } from 'node:timers/promises'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectReturnCode, ReasonCode } from '../../src/mqtt/reason-code.ts'
import { connectPacket } from '../../test/helpers/connect-packet.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { UnreadableStore } from './unreadable-store.ts'

const FILTER = '$share/g/a'
const TICK_MS = 200

let broker: HandlerHarness
let store: SlowStore
const start = async (config: object = {}, from = new SlowStore()) => {
  broker?.stop()
  store = from
  const limits = { maximumInflight: 2_000, initialInflight: 2_000 }
  broker = new HandlerHarness({ ...limits, ...config }, { store }, () => store.settleAll())
  await broker.core.restore()
}
/** The process ends, and another begins with what was durable. */
const restart = (config: object = {}) => start(config, store.crash())
beforeEach(() => {
  // The wheels and the ticks have the time of this clock.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  return start()
})
afterEach(() => {
  broker.stop()
  vi.useRealTimers()
})

/** The store cannot be read. @param pages that are read before. @returns ends that. */
const obstruct = (pages = 0): (() => void) => {
  const read = store.read.bind(store)
  let left = pages
  const obstructed = vi.spyOn(store, 'read').mockImplementation((...range) => {
    left -= 1
    if (left < 0) throw new Error('MDB_PANIC')
    return read(...range)
  })
  return () => obstructed.mockRestore()
}
const subscribed = (clientId = 'subscriber', filter = 'a', fields: Partial<IConnectPacket> = {}) => {
  const client = broker.connect(persistent(clientId, fields))
  client.take(subscribePacket({ [filter]: {} }))
  store.settleAll()
  client.take()
  return client
}
/** Persistent subscribers that are away. */
const away = (clientId = 'subscriber', filter = 'a') => subscribed(clientId, filter).lose()
const publish = (from: number, to: number, qos: 1 | 2 = 1): Packet[] => {
  const publisher = broker.connect({ clientId: 'publisher' })
  let answers: Packet[] = []
  for (const text of numbers(from, to)) {
    answers = publisher.take(publishPacket({ qos, messageId: Number(text), payload: Buffer.from(text) }))
    store.settleAll()
    answers.push(...publisher.take())
  }
  return answers
}
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`)
/** A member of the Shared Subscription that cannot be sent anything at present. */
const congestedMember = () => {
  const member = broker.connect(persistent('other'))
  member.connection.congested = true
  member.take(subscribePacket({ [FILTER]: {} }))
  store.settleAll()
  member.take()
  return member
}
/** A client connects. @returns what it gets at once. */
const back = (fields: Partial<IConnectPacket> = {}, version: 4 | 5 = 5, clientId = 'subscriber') => {
  const client = broker.open(version)
  const first = client.take(connectPacket(persistent(clientId, fields)))
  store.settleAll()
  return { client, packets: [...first, ...client.take()] }
}
const receive = (receiveMaximum: number) => ({ properties: { sessionExpiryInterval: 3_600, receiveMaximum } })
/** Acknowledges messages at QoS 1. @returns all that come until nothing more does, with the given ones. */
const acknowledged = (client: HarnessClient, given: readonly Packet[]): string[] => {
  const all = payloads(given)
  for (let packets = given; packets.length > 0; all.push(...payloads(packets))) {
    const sent = packets.filter(({ cmd }) => cmd === 'publish')
    packets = client.take(...sent.map(({ messageId }) => ({ cmd: 'puback', messageId: messageId! }) as const))
  }
  return all
}
const session = (clientId = 'subscriber') => broker.broker.session(clientId)
/** What operators see of a session, and what all of them cost. */
const counts = () => {
  const { waiting, inflight, connected, subscriptions } = session()!
  return { waiting, inflight, connected, subscriptions, bytes: broker.core.gauges.queuedBytes }
}
const refused = [{ cmd: 'connack', reasonCode: ReasonCode.ServerUnavailable, sessionPresent: false }]

describe('a client whose messages cannot be read from the store', () => {
  it('is refused with Server unavailable (0x88), and gets all of them when it comes back', () => {
    away()
    publish(1, 1_500)
    const before = counts()
    const end = obstruct()
    const { client, packets } = back()
    expect(packets).toMatchObject(refused)
    expect(client.connection.open).toBe(false)
    expect(counts()).toEqual(before)
    publish(1_501, 1_502)
    end()
    const again = back()
    expect(acknowledged(again.client, again.packets)).toEqual(numbers(1, 1_502))
    expect(counts()).toMatchObject({ waiting: 0, inflight: 0, bytes: 0 })
    store.settleAll()
    expect(store.read('subscriber', 0, 10)).toEqual([])
  })

  it('of MQTT 3 is refused with the Return Code 3', () => {
    away()
    publish(1, 1)
    obstruct()
    const { client, packets } = back({ properties: {} }, 4)
    expect(packets).toMatchObject([{ cmd: 'connack', returnCode: ConnectReturnCode.ServerUnavailable }])
    expect([client.connection.open, session()!.waiting]).toEqual([false, 1])
  })

  it('connects as ever if nothing waits for it, or if its session is new', () => {
    away()
    obstruct()
    expect(back().packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: true }])
    expect(back({}, 5, 'new').packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: false }])
  })

  it('stays connected when another connection asks for its session, which is refused', () => {
    const client = subscribed('subscriber', 'a', receive(1))
    publish(1, 3)
    expect(payloads(client.take())).toEqual(['1'])
    const before = counts()
    obstruct()
    expect(back().packets).toMatchObject(refused)
    expect(back({ clean: true }).packets).toMatchObject(refused)
    expect([client.connection.open, client.take(), counts()]).toEqual([true, [], before])
    expect(acknowledged(client, [{ cmd: 'publish', messageId: 1, payload: '1' } as Packet])).toEqual(['1', '2', '3'])
  })

  it('after a restart gets what was in flight in its order, however often it is refused before [MQTT-4.6.0-6]', async () => {
    const client = subscribed()
    publish(1, 1_500)
    publish(1_501, 1_503, 2)
    const sent = client.take().filter(({ cmd }) => cmd === 'publish')
    const [first, second] = sent.slice(-3).map(({ messageId }) => messageId!)
    client.take({ cmd: 'pubrec', messageId: second! })
    client.take({ cmd: 'pubrec', messageId: first! })
    client.lose()
    publish(1_504, 1_510)
    await restart()
    const before = counts()
    for (const pages of [0, 1, 0]) {
      const end = obstruct(pages)
      expect(back().packets).toMatchObject(refused)
      end()
      expect({ ...counts(), waiting: 0, inflight: 0 }).toEqual({ ...before, waiting: 0, inflight: 0 })
      expect(counts().waiting + counts().inflight).toBe(before.waiting)
    }
    const { packets } = back()
    expect(packets.slice(1, 3)).toMatchObject([
      { cmd: 'pubrel', messageId: second },
      { cmd: 'pubrel', messageId: first },
    ])
    expect(payloads(packets)).toEqual([...numbers(1, 1_500), ...numbers(1_503, 1_510)])
    expect(packets.filter((packet) => packet.cmd === 'publish' && packet.dup)).toHaveLength(1_501)
  })

  it('is disconnected with Server busy (0x89) when they cannot be read further, and gets the rest over the next connection', () => {
    away()
    publish(1, 1_500)
    const { client, packets } = back(receive(1_000))
    const end = obstruct()
    const got = payloads(packets)
    const identifiers = packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.messageId!] : []))
    const after = client.take(...identifiers.map((messageId) => ({ cmd: 'puback', messageId }) as const))
    expect(after).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ServerBusy }])
    expect([got, client.connection.open]).toEqual([numbers(1, 1_000), false])
    // The acknowledgements behind the one that made room for the first of the rest were not taken any more.
    expect(counts()).toMatchObject({ waiting: 500, inflight: 999, connected: false })
    end()
    const again = back()
    expect(acknowledged(again.client, again.packets)).toEqual(numbers(2, 1_500))
    expect(counts()).toMatchObject({ waiting: 0, inflight: 0, bytes: 0 })
  })

  it('is disconnected when the rest of them cannot be read before any acknowledgement', () => {
    away()
    publish(1, 1_500)
    const end = obstruct(1)
    const events: string[] = []
    broker.broker.watchClients({
      connected: ({ id }) => events.push(`connected ${id}`),
      disconnected: ({ id }) => events.push(`disconnected ${id}`),
    })
    const { client, packets } = back()
    expect(events).toEqual(['disconnected subscriber'])
    expect([packets[0], packets.at(-1)]).toMatchObject([
      { cmd: 'connack', reasonCode: 0 },
      { cmd: 'disconnect', reasonCode: ReasonCode.ServerBusy },
    ])
    expect([payloads(packets), client.connection.open]).toEqual([numbers(1, 1_000), false])
    end()
    const again = back()
    expect(acknowledged(again.client, again.packets)).toEqual(numbers(1, 1_500))
  })

  it('is refused when its session would leave the store: then nothing of it is kept in memory alone', () => {
    away()
    publish(1, 1_500)
    const before = counts()
    for (const pages of [0, 1]) {
      const end = obstruct(pages)
      expect(back({ properties: { sessionExpiryInterval: 0 } }).packets).toMatchObject(refused)
      end()
      expect(counts()).toEqual(before)
    }
    const { client, packets } = back({ properties: { sessionExpiryInterval: 0 } })
    expect(acknowledged(client, packets)).toEqual(numbers(1, 1_500))
  })

  it('does not end its session with Clean Start: another member of its Shared Subscription gets the messages later', () => {
    const client = subscribed('subscriber', FILTER, receive(1))
    publish(1, 4)
    client.lose()
    const other = congestedMember()
    const end = obstruct()
    expect(back({ clean: true }).packets).toMatchObject(refused)
    expect(session()).toMatchObject({ waiting: 3, inflight: 1 })
    end()
    expect(back({ clean: true }).packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: false }])
    expect(acknowledged(other, other.drain())).toEqual(numbers(1, 4))
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })

  it('after a restart does not end it either, and no message at QoS 2 that was sent goes to another member [MQTT-4.8.2-5]', async () => {
    const client = subscribed('subscriber', FILTER, receive(4))
    publish(1, 2)
    publish(3, 4, 2)
    client.lose()
    publish(5, 6)
    publish(7, 8, 2)
    await restart()
    const other = congestedMember()
    for (const pages of [0, 1]) {
      const end = obstruct(pages)
      expect(back({ clean: true }).packets).toMatchObject(refused)
      end()
    }
    back({ clean: true })
    const sent = other.drain()
    store.settleAll()
    expect(payloads([...sent, ...other.take()])).toEqual(['1', '2', '5', '6', '7', '8'])
  })

  it('is found in the log, once a minute', () => {
    away()
    publish(1, 1)
    obstruct()
    for (let n = 0; n < 3; n += 1) back()
    const lines = () => broker.log.at('error').map(({ message }) => message)
    expect(lines()).toEqual([expect.stringMatching(/^Messages of subscriber could not be read from the store/)])
    vi.advanceTimersByTime(60_000)
    back()
    expect(lines()).toHaveLength(2)
  })
})

describe('while the store cannot be read', () => {
  it.each(['drop-oldest', 'drop-newest', 'refuse'])(
    'a publisher is served when the queue of a subscriber is full: the new message is dropped by %s',
    async (queueFullPolicy) => {
      await start({ maximumQueuedMessages: 3, queueFullPolicy })
      away()
      publish(1, 3)
      const before = counts()
      const end = obstruct()
      const reasonCode = queueFullPolicy === 'refuse' ? { reasonCode: ReasonCode.QuotaExceeded } : {}
      expect(publish(4, 4)).toMatchObject([{ cmd: 'puback', ...reasonCode }])
      expect([counts(), broker.core.counters.dropped]).toEqual([before, 1])
      end()
      const { client, packets } = back()
      expect(acknowledged(client, packets)).toEqual(numbers(1, 3))
    },
  )

  it('messages of a Shared Subscription wait, and go to a connected member at the first tick when it can be read', async () => {
    away('one', FILTER)
    publish(1, 40)
    const end = obstruct()
    const other = broker.connect(persistent('other'))
    other.take(subscribePacket({ [FILTER]: {} }))
    store.settleAll()
    for (let tick = 0; tick < 3; tick += 1) {
      vi.advanceTimersByTime(TICK_MS)
      await nextTurn()
    }
    expect([payloads(other.take()), session('one')!.waiting]).toEqual([[], 40])
    end()
    vi.advanceTimersByTime(TICK_MS)
    await nextTurn()
    store.settleAll()
    expect(acknowledged(other, other.take())).toEqual(numbers(1, 40))
    expect(session('one')!.waiting).toBe(0)
    expect(broker.core.sharedBacklogs.handOver()).toMatchObject({ holders: [], offered: [], isQueued: false })
  })

  it('a successor offers them too', () => {
    away('one', FILTER)
    publish(1, 1)
    obstruct()
    broker.connect(persistent('other')).take(subscribePacket({ [FILTER]: {} }))
    expect(broker.core.sharedBacklogs.handOver()).toMatchObject({ offered: [FILTER], isQueued: true })
  })

  it('a session that expires ends when it can be read: its messages go to another member, and its client gets a new one', async () => {
    subscribed('one', FILTER, { properties: { sessionExpiryInterval: 5 } }).lose()
    subscribed('two', 'b', { properties: { sessionExpiryInterval: 5 } }).lose()
    publish(1, 4)
    const other = congestedMember()
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.take(publishPacket({ topic: 'b', qos: 1 }))
    const end = obstruct()
    vi.advanceTimersByTime(10_000)
    await nextTurn()
    expect([session('one')?.waiting, session('two')?.waiting]).toEqual([4, 1])
    expect(broker.core.counters.expiredSessions).toBe(0)
    expect(broker.core.expiredSessions.items.map(({ id }) => id)).toEqual(['one', 'two'])
    expect(back({}, 5, 'two').packets).toMatchObject(refused)
    end()
    expect(back({}, 5, 'two').packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: false }])
    vi.advanceTimersByTime(TICK_MS)
    await nextTurn()
    expect([session('one'), broker.core.counters.expiredSessions]).toEqual([undefined, 1])
    const got = other.drain()
    store.settleAll()
    expect(acknowledged(other, [...got, ...other.take()])).toEqual(numbers(1, 4))
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })

  it('DISCONNECT with a Session Expiry Interval of 0 ends the session when it can be read', async () => {
    away()
    publish(1, 1_500)
    const { client } = back(receive(1))
    const end = obstruct()
    client.take({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 0 } })
    expect(session()).toMatchObject({ waiting: 1_499, inflight: 1, connected: false })
    vi.advanceTimersByTime(5_000)
    await nextTurn()
    expect(session()).toBeDefined()
    end()
    vi.advanceTimersByTime(TICK_MS)
    await nextTurn()
    expect([session(), broker.core.gauges.queuedBytes]).toEqual([undefined, 0])
  })

  it('an operator cannot end a session, and is told why', () => {
    away()
    publish(1, 3)
    const before = counts()
    const end = obstruct()
    expect(() => broker.broker.endSession('subscriber')).toThrow(UnreadableStore)
    expect(() => broker.broker.endSession('subscriber')).toThrow(
      'The messages of subscriber cannot be read from the store at present: MDB_PANIC',
    )
    expect(counts()).toEqual(before)
    end()
    expect(broker.broker.endSession('subscriber')).toBe(true)
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })
})
