import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Packet } from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
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

const FILTER = '$share/g/a'

let broker: HandlerHarness
afterEach(() => broker.stop())

const start = (config: object = {}) => {
  broker = new HandlerHarness(config)
}
/** A member whose session outlives its connection. */
const member = (clientId: string, fields: object = {}, filter = FILTER) => {
  const client = broker.connect(persistent(clientId, fields))
  client.take(subscribePacket({ [filter]: { qos: 2 } }))
  return client
}
const publish = (...texts: (string | number)[]) => send(1, ...texts)
const send = (qos: 0 | 1 | 2, ...texts: (string | number)[]) => {
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const [index, text] of texts.entries()) {
    publisher.take(
      publishPacket({ qos, payload: Buffer.from(`${text}`), ...(qos > 0 ? { messageId: index + 1 } : {}) }),
    )
  }
}
const numbers = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)
/** A client comes back. @returns what it gets up to now, CONNACK first. */
const back = (clientId: string, fields: object = {}): { client: HarnessClient; packets: Packet[] } => {
  const client = broker.open()
  return { client, packets: client.take(connectPacket(persistent(clientId, fields))) }
}
/** Everything that a client gets at QoS 1 when it acknowledges it, over some turns of the event loop. */
const allFor = async (client: HarnessClient, first: Packet[] = client.take()): Promise<string[]> => {
  const received = payloads(first)
  let packets = first
  for (let idle = 0; idle < 3; ) {
    const identifiers = packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.messageId!] : []))
    packets = client.take(...identifiers.map((messageId) => ({ cmd: 'puback', messageId }) as const))
    received.push(...payloads(packets))
    idle = packets.length === 0 ? idle + 1 : 0
    await nextTurn()
  }
  return received
}
const queued = (clientId: string) => broker.core.sessions.get(clientId)?.outbox.waiting

describe('at QoS 0', () => {
  it('a member that is congested gets nothing while another can take it', () => {
    start()
    const [congested, idle] = [member('congested'), member('idle')]
    congested.connection.congested = true
    send(0, 1, 2, 3, 4)
    expect(payloads(idle.take())).toEqual(['1', '2', '3', '4'])
    expect(broker.handler.counters.droppedQoS0).toBe(0)
  })
})

describe('at QoS 1', () => {
  it('a member with room in flight comes before one without', () => {
    start()
    const full = member('full', { properties: { receiveMaximum: 1 } })
    const free = member('free')
    publish(1, 2, 3, 4)
    expect([payloads(full.take()), payloads(free.take())]).toEqual([['1'], ['2', '3', '4']])
  })

  it('what waits for members that are away goes to the one that comes first', async () => {
    start({ maximumInflight: 4 })
    for (const id of ['one', 'two', 'three']) member(id).lose()
    publish(...numbers(30))
    expect(['one', 'two', 'three'].map(queued)).toEqual([10, 10, 10])
    const { client, packets } = back('two')
    // Its own first, then those of the others, as fast as it acknowledges them.
    expect(payloads(packets)).toEqual(['1', '4', '7', '10'])
    expect(queued('one')).toBe(10)
    expect((await allFor(client, packets)).sort()).toEqual(numbers(30).sort())
    expect(['one', 'two', 'three'].map(queued)).toEqual([0, 0, 0])
    expect(broker.core.gauges.queuedBytes).toBe(0)
    expect(broker.core.sharedBacklogs.count).toBe(0)
    for (const id of ['one', 'three']) expect(payloads(back(id).packets)).toEqual([])
  })

  it('members that come back share what waits, each as much as it can take', async () => {
    start({ maximumInflight: 2 })
    member('away').lose()
    publish(...numbers(20))
    const [one, two] = [broker.connect({ clientId: 'one' }), broker.connect({ clientId: 'two' })]
    const subscribe = subscribePacket({ [FILTER]: { qos: 1 } })
    const [first, second] = [one.take(subscribe), two.take(subscribe)]
    expect([payloads(first), payloads(second)]).toEqual([
      ['0', '1'],
      ['2', '3'],
    ])
    // The second one does not acknowledge: the others are for the first.
    expect(await allFor(one, first)).toEqual(numbers(20).filter((text) => text !== '2' && text !== '3'))
    expect(queued('away')).toBe(0)
  })

  it('what a member was not sent when it went goes to those that are connected; what it was sent stays with it', async () => {
    start({ maximumInflight: 2 })
    const going = member('going')
    publish(...numbers(6))
    expect(payloads(going.take())).toEqual(['0', '1'])
    const staying = member('staying')
    going.lose()
    expect(await allFor(staying)).toEqual(['2', '3', '4', '5'])
    const { packets } = back('going')
    expect(payloads(packets)).toEqual(['0', '1'])
    expect(packets.slice(1)).toMatchObject([{ dup: true }, { dup: true }])
  })

  it('what is a member’s own stays with it, and in its order', async () => {
    start()
    const owner = member('owner')
    owner.take(subscribePacket({ own: { qos: 1 } }))
    owner.lose()
    const publisher = broker.connect({ clientId: 'publisher' })
    for (const text of numbers(40)) {
      const topic = Number(text) % 2 === 0 ? 'own' : 'a'
      publisher.take(publishPacket({ qos: 1, topic, payload: Buffer.from(text) }))
    }
    const other = broker.connect({ clientId: 'other' })
    const first = other.take(subscribePacket({ [FILTER]: { qos: 1 } }))
    expect(await allFor(other, first)).toEqual(numbers(40).filter((_, index) => index % 2 === 1))
    expect(payloads(back('owner').packets)).toEqual(numbers(40).filter((_, index) => index % 2 === 0))
  })

  it('a message that has expired goes to no member', async () => {
    start({ maximumQueuedSeconds: 1 })
    member('away').lose()
    publish(1)
    const { core } = broker
    const nowMs = core.now()
    core.now = () => nowMs + 2_000
    const other = broker.connect({ clientId: 'other' })
    expect(await allFor(other, other.take(subscribePacket({ [FILTER]: { qos: 1 } })))).toEqual([])
    expect([core.counters.expired, core.gauges.queuedBytes, queued('away')]).toEqual([1, 0, 0])
  })

  it('another member has room for it although the total is full', () => {
    start({ maximumTotalQueuedBytes: 2 * (450 + 2) })
    member('away').lose()
    publish(1, 2)
    const other = broker.connect(persistent('other'))
    const first = other.take(subscribePacket({ [FILTER]: { qos: 1 } }))
    expect(payloads(first)).toEqual(['1', '2'])
    expect([broker.core.counters.dropped, queued('away')]).toEqual([0, 0])
  })

  it('what waits stays where it is while Wills take all of the total', async () => {
    start({ maximumTotalQueuedBytes: 2 * (450 + 2) })
    member('away').lose()
    publish(1, 2)
    const will = { topic: 'w', payload: Buffer.from('will'), qos: 0 as const, retain: false }
    const withWill = broker.connect({ clientId: 'will', will })
    const other = broker.connect(persistent('other'))
    const first = other.take(subscribePacket({ [FILTER]: { qos: 1 } }))
    expect([payloads(first), queued('away'), broker.core.counters.dropped]).toEqual([[], 2, 0])
    withWill.take({ cmd: 'disconnect' })
    other.lose()
    const { client, packets } = back('other')
    expect(await allFor(client, packets)).toEqual(['1', '2'])
    expect([broker.core.counters.dropped, queued('away'), broker.core.gauges.queuedBytes]).toEqual([0, 0, 0])
  })

  it('a fault of one member leaves the message where it is, and the member that goes is away', async () => {
    const authorizer = {
      mayPublish: () => 'allow' as const,
      maySubscribe: () => 'allow' as const,
      mayReceive: ({ clientId }: { clientId: string }) => {
        if (clientId === 'faulty') throw new Error('a fault in the authorizer')
        return 'allow' as const
      },
    }
    broker = new HandlerHarness({}, { authorizers: [authorizer] })
    const first = member('first', { properties: { receiveMaximum: 1 } })
    publish(1, 2)
    const { gauges, sessions } = broker.core
    const faulty = member('faulty')
    const before = gauges.queuedBytes
    first.lose()
    expect([faulty.connection.open, queued('first'), gauges.queuedBytes]).toEqual([true, 1, before])
    expect([sessions.away.count, broker.log.at('error').length]).toEqual([1, 1])
    faulty.lose()
    const good = broker.connect(persistent('good'))
    expect(payloads(good.take(subscribePacket({ [FILTER]: { qos: 1 } })))).toEqual(['2'])
  })

  it('a member that unsubscribes, or ends its session, is asked no more', async () => {
    start()
    for (const id of ['ends', 'unsubscribes']) member(id).lose()
    publish(...numbers(4))
    broker.connect({ clientId: 'ends', clean: true })
    const { client } = back('unsubscribes')
    client.take({ cmd: 'unsubscribe', messageId: 1, unsubscriptions: [FILTER] })
    client.lose()
    expect(broker.core.sharedBacklogs.count).toBe(0)
  })
})

describe('at QoS 2', () => {
  it('what was sent stays with its member, what was not goes to another [MQTT-4.8.2-4] [MQTT-4.8.2-5]', () => {
    start({ maximumInflight: 1 })
    const going = member('going')
    send(2, 1, 2)
    expect(payloads(going.take())).toEqual(['1'])
    going.lose()
    const other = broker.connect({ clientId: 'other' })
    expect(payloads(other.take(subscribePacket({ [FILTER]: { qos: 2 } })))).toEqual(['2'])
    broker.connect({ clientId: 'going', clean: true })
    expect(payloads(other.take({ cmd: 'pubrec', messageId: 1 }, { cmd: 'pubcomp', messageId: 1 }))).toEqual([])
  })
})

it('10,000 messages of one member are moved over several turns', async () => {
  start({ maximumInflight: 65_535 })
  member('away').lose()
  publish(...numbers(10_000))
  const other = broker.connect({ clientId: 'other' })
  const first = payloads(other.take(subscribePacket({ [FILTER]: { qos: 0 } })))
  // 25 units for each, 50,000 in a turn.
  expect(first.length).toBeLessThan(3_000)
  const received = [...first]
  for (let turns = 0; queued('away')! > 0 && turns < 1_000; turns += 1) {
    await nextTurn()
    received.push(...payloads(other.take()))
  }
  expect(received).toEqual(numbers(10_000))
})

describe('with a store', () => {
  const crashing = async () => {
    const store = new SlowStore()
    broker = new HandlerHarness({ maximumInflight: 2 }, { store }, () => store.settleAll())
    member('away').lose()
    publish(...numbers(4))
    store.settleAll()
    return store
  }
  const restart = async (store: SlowStore) => {
    const next = store.crash()
    broker.stop()
    broker = new HandlerHarness({ maximumInflight: 2 }, { store: next }, () => next.settleAll())
    await broker.core.restore()
    return next
  }
  const backAfter = async (store: SlowStore, clientId: string): Promise<string[]> => {
    const { client, packets } = back(clientId)
    store.settleAll()
    return allFor(client, [...packets, ...client.take()])
  }

  it('a message is with its new member before the old one gives it up, in one batch', async () => {
    const store = await crashing()
    member('other')
    store.settleAll()
    broker.connect(persistent('third')).take(subscribePacket({ [FILTER]: { qos: 1 } }))
    const records = store.pending.filter(({ type }) => type === 'queued' || type === 'done')
    expect(records).toMatchObject([
      { type: 'queued', session: 'third' },
      { type: 'done', session: 'away' },
      { type: 'queued', session: 'third' },
      { type: 'done', session: 'away' },
    ])
  })

  it('after a restart what waited for a member goes to another one', async () => {
    await restart(await crashing())
    const other = broker.connect({ clientId: 'other' })
    expect(await allFor(other, other.take(subscribePacket({ [FILTER]: { qos: 1 } })))).toEqual(numbers(4))
    expect(broker.core.gauges.queuedBytes).toBe(0)
  })

  it('a crash before or after a move loses nothing, and leaves no message with two members', async () => {
    for (const settled of [false, true]) {
      const store = await crashing()
      const other = broker.connect(persistent('other'))
      expect(payloads(other.take(subscribePacket({ [FILTER]: { qos: 1 } })))).toEqual(['0', '1'])
      if (settled) store.settle()
      const next = await restart(store)
      const received = [await backAfter(next, 'away'), await backAfter(next, 'other')]
      expect(received.map((texts) => texts.toSorted())).toEqual(
        settled
          ? [
              ['2', '3'],
              ['0', '1'],
            ]
          : [numbers(4), []],
      )
    }
  })
})
