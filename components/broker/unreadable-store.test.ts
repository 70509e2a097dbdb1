import type { Packet } from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectReturnCode, ReasonCode } from '../../src/mqtt/reason-code.ts'
import { payloads } from '../../test/helpers/handler-harness.ts'
import {
  acknowledged,
  FILTER,
  numbers,
  receive,
  refused,
  UnreadableStoreWorld,
} from '../../test/helpers/unreadable-store-world.ts'

let world: UnreadableStoreWorld
beforeEach(() => {
  // The wheels and the ticks have the time of this clock.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
  world = new UnreadableStoreWorld()
  return world.start()
})
afterEach(() => {
  world.broker.stop()
  vi.useRealTimers()
})

describe('a client whose messages cannot be read from the store', () => {
  it('is refused with Server unavailable (0x88), and gets all of them when it comes back', () => {
    world.away()
    world.publish(1, 1_500)
    const before = world.counts()
    const end = world.obstruct()
    const { client, packets } = world.back()
    expect(packets).toMatchObject(refused)
    expect(client.connection.open).toBe(false)
    expect(world.counts()).toEqual(before)
    world.publish(1_501, 1_502)
    end()
    const again = world.back()
    expect(acknowledged(again.client, again.packets)).toEqual(numbers(1, 1_502))
    expect(world.counts()).toMatchObject({ waiting: 0, inflight: 0, bytes: 0 })
    world.store.settleAll()
    expect(world.store.read('subscriber', 0, 10)).toEqual([])
  })

  it('of MQTT 3 is refused with the Return Code 3', () => {
    world.away()
    world.publish(1, 1)
    world.obstruct()
    const { client, packets } = world.back({ properties: {} }, 4)
    expect(packets).toMatchObject([{ cmd: 'connack', returnCode: ConnectReturnCode.ServerUnavailable }])
    expect([client.connection.open, world.session()!.waiting]).toEqual([false, 1])
  })

  it('connects as ever if nothing waits for it, or if its session is new', () => {
    world.away()
    world.obstruct()
    expect(world.back().packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: true }])
    expect(world.back({}, 5, 'new').packets).toMatchObject([{ cmd: 'connack', reasonCode: 0, sessionPresent: false }])
  })

  it('stays connected when another connection asks for its session, which is refused', () => {
    const client = world.subscribed('subscriber', 'a', receive(1))
    world.publish(1, 3)
    expect(payloads(client.take())).toEqual(['1'])
    const before = world.counts()
    world.obstruct()
    expect(world.back().packets).toMatchObject(refused)
    expect(world.back({ clean: true }).packets).toMatchObject(refused)
    expect([client.connection.open, client.take(), world.counts()]).toEqual([true, [], before])
    expect(acknowledged(client, [{ cmd: 'publish', messageId: 1, payload: '1' } as Packet])).toEqual(['1', '2', '3'])
  })

  it('after a restart gets what was in flight in its order, however often it is refused before [MQTT-4.6.0-6]', async () => {
    const client = world.subscribed()
    world.publish(1, 1_500)
    world.publish(1_501, 1_503, 2)
    const sent = client.take().filter(({ cmd }) => cmd === 'publish')
    const [first, second] = sent.slice(-3).map(({ messageId }) => messageId!)
    client.take({ cmd: 'pubrec', messageId: second! })
    client.take({ cmd: 'pubrec', messageId: first! })
    client.lose()
    world.publish(1_504, 1_510)
    await world.restart()
    const before = world.counts()
    for (const pages of [0, 1, 0]) {
      const end = world.obstruct(pages)
      expect(world.back().packets).toMatchObject(refused)
      end()
      expect({ ...world.counts(), waiting: 0, inflight: 0 }).toEqual({ ...before, waiting: 0, inflight: 0 })
      expect(world.counts().waiting + world.counts().inflight).toBe(before.waiting)
    }
    const { packets } = world.back()
    expect(packets.slice(1, 3)).toMatchObject([
      { cmd: 'pubrel', messageId: second },
      { cmd: 'pubrel', messageId: first },
    ])
    expect(payloads(packets)).toEqual([...numbers(1, 1_500), ...numbers(1_503, 1_510)])
    expect(packets.filter((packet) => packet.cmd === 'publish' && packet.dup)).toHaveLength(1_501)
  })

  it('is disconnected with Server busy (0x89) when they cannot be read further, and gets the rest over the next connection', () => {
    world.away()
    world.publish(1, 1_500)
    const { client, packets } = world.back(receive(1_000))
    const end = world.obstruct()
    const got = payloads(packets)
    const identifiers = packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet.messageId!] : []))
    const after = client.take(...identifiers.map((messageId) => ({ cmd: 'puback', messageId }) as const))
    expect(after).toMatchObject([{ cmd: 'disconnect', reasonCode: ReasonCode.ServerBusy }])
    expect([got, client.connection.open]).toEqual([numbers(1, 1_000), false])
    // The acknowledgements behind the one that made room for the first of the rest were not taken any more.
    expect(world.counts()).toMatchObject({ waiting: 500, inflight: 999, connected: false })
    end()
    const again = world.back()
    expect(acknowledged(again.client, again.packets)).toEqual(numbers(2, 1_500))
    expect(world.counts()).toMatchObject({ waiting: 0, inflight: 0, bytes: 0 })
  })

  it('is disconnected when the rest of them cannot be read before any acknowledgement', () => {
    world.away()
    world.publish(1, 1_500)
    const end = world.obstruct(1)
    const events: string[] = []
    world.broker.broker.watchClients({
      connected: ({ id }) => events.push(`connected ${id}`),
      disconnected: ({ id }) => events.push(`disconnected ${id}`),
    })
    const { client, packets } = world.back()
    expect(events).toEqual(['disconnected subscriber'])
    expect([packets[0], packets.at(-1)]).toMatchObject([
      { cmd: 'connack', reasonCode: 0 },
      { cmd: 'disconnect', reasonCode: ReasonCode.ServerBusy },
    ])
    expect([payloads(packets), client.connection.open]).toEqual([numbers(1, 1_000), false])
    end()
    const again = world.back()
    expect(acknowledged(again.client, again.packets)).toEqual(numbers(1, 1_500))
  })

  it('is refused when its session would leave the store: then nothing of it is kept in memory alone', () => {
    world.away()
    world.publish(1, 1_500)
    const before = world.counts()
    for (const pages of [0, 1]) {
      const end = world.obstruct(pages)
      expect(world.back({ properties: { sessionExpiryInterval: 0 } }).packets).toMatchObject(refused)
      end()
      expect(world.counts()).toEqual(before)
    }
    const { client, packets } = world.back({ properties: { sessionExpiryInterval: 0 } })
    expect(acknowledged(client, packets)).toEqual(numbers(1, 1_500))
  })

  it('does not end its session with Clean Start: another member of its Shared Subscription gets the messages later', () => {
    const client = world.subscribed('subscriber', FILTER, receive(1))
    world.publish(1, 4)
    client.lose()
    const other = world.congestedMember()
    const end = world.obstruct()
    expect(world.back({ clean: true }).packets).toMatchObject(refused)
    expect(world.session()).toMatchObject({ waiting: 3, inflight: 1 })
    end()
    expect(world.back({ clean: true }).packets).toMatchObject([
      { cmd: 'connack', reasonCode: 0, sessionPresent: false },
    ])
    expect(acknowledged(other, other.drain())).toEqual(numbers(1, 4))
    expect(world.broker.core.gauges.queuedBytes).toBe(0)
  })

  it('after a restart does not end it either, and no message at QoS 2 that was sent goes to another member [MQTT-4.8.2-5]', async () => {
    const client = world.subscribed('subscriber', FILTER, receive(4))
    world.publish(1, 2)
    world.publish(3, 4, 2)
    client.lose()
    world.publish(5, 6)
    world.publish(7, 8, 2)
    await world.restart()
    const other = world.congestedMember()
    for (const pages of [0, 1]) {
      const end = world.obstruct(pages)
      expect(world.back({ clean: true }).packets).toMatchObject(refused)
      end()
    }
    world.back({ clean: true })
    const sent = other.drain()
    world.store.settleAll()
    expect(payloads([...sent, ...other.take()])).toEqual(['1', '2', '5', '6', '7', '8'])
  })

  it('is found in the log, once a minute', () => {
    world.away()
    world.publish(1, 1)
    world.obstruct()
    for (let n = 0; n < 3; n += 1) world.back()
    const lines = () => world.broker.log.at('error').map(({ message }) => message)
    expect(lines()).toEqual([expect.stringMatching(/^Messages of subscriber could not be read from the store/)])
    vi.advanceTimersByTime(60_000)
    world.back()
    expect(lines()).toHaveLength(2)
  })
})
