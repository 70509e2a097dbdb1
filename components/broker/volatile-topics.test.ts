import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Message } from '../../src/mqtt/message.ts'
import { HandlerHarness, payloads, persistent, subscribePacket } from '../../test/helpers/handler-harness.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'

let store: MemoryStore
let harness: HandlerHarness
beforeEach(() => {
  store = new MemoryStore()
  harness = new HandlerHarness({ maximumRetainedMessages: 1 }, { store })
})
afterEach(() => harness.stop())

/** Payloads that a new client gets when it subscribes. */
const subscribed = (filter: string, options: object = {}): string[] =>
  payloads(harness.connect({ clientId: 'reader' }).take(subscribePacket({ [filter]: options })))

describe('a volatile topic', () => {
  it('is retained: each filter that matches it gets its last message', () => {
    const topics = harness.broker.volatileTopics()
    topics.publish('$SYS/broker/uptime', '1 seconds')
    topics.publish('$SYS/broker/uptime', '2 seconds')
    topics.publish('$SYS/broker/clients/total', Buffer.from('5'))
    expect(subscribed('$SYS/#').sort()).toEqual(['2 seconds', '5'])
    expect(subscribed('$SYS/+/uptime')).toEqual(['2 seconds'])
    expect(subscribed('$SYS/broker/clients/total')).toEqual(['5'])
    expect(subscribed('#')).toEqual([])
    expect(subscribed('+/broker/uptime')).toEqual([])
    expect(harness.broker.retained('$SYS/broker/+').map(({ payload }) => payload.toString())).toEqual(['2 seconds'])
  })

  it('follows Retain Handling, RETAIN and Retain As Published', () => {
    const topics = harness.broker.volatileTopics()
    topics.publish('$SYS/a', 'x')
    const client = harness.connect({ clientId: 'client' })
    expect(payloads(client.take(subscribePacket({ '$SYS/a': { rh: 2 } })))).toEqual([])
    expect(payloads(client.take(subscribePacket({ '$SYS/+': { rh: 1 } })))).toEqual(['x'])
    expect(payloads(client.take(subscribePacket({ '$SYS/+': { rh: 1 } })))).toEqual([])
    const [, published] = client.take(subscribePacket({ '$SYS/#': { rh: 0, rap: true } }))
    expect(published).toMatchObject({ cmd: 'publish', retain: true, qos: 0 })
    topics.publish('$SYS/a', 'y')
    expect(client.sent.map((packet) => packet.cmd === 'publish' && packet.retain)).toEqual([true])
  })

  it('has no record in the store and no place in the limits', () => {
    const topics = harness.broker.volatileTopics()
    const { position } = harness.core.journal
    for (let index = 0; index < 10; index += 1) topics.publish(`$SYS/${index}`, 'x')
    topics.publish('$SYS/0', '')
    expect(harness.broker.deleteRetained('$SYS/1')).toBe(true)
    topics.close()
    expect(harness.core.journal.position).toBe(position)
    topics.publish('$SYS/0', 'x')
    expect(harness.broker.publish({ topic: 'a', payload: 'x', retain: true }).reasonCode).not.toBe(0x97)
    const { messages } = harness.core.retained
    expect([messages.count, messages.volatileCount, store.retainedCount]).toEqual([1, 1, 1])
    harness.broker.deleteRetained('a')
    expect([messages.count, messages.bytes, messages.volatileCount]).toEqual([0, 0, 1])
  })

  it('takes the place of a stored message, also in the store, and a stored message takes its place', () => {
    const topics = harness.broker.volatileTopics()
    const { messages } = harness.core.retained
    harness.broker.publish({ topic: '$SYS/a', payload: 'stored', retain: true })
    topics.publish('$SYS/a', 'volatile')
    expect(subscribed('$SYS/#')).toEqual(['volatile'])
    expect([messages.count, messages.bytes, store.retainedCount]).toEqual([0, 0, 0])
    harness.broker.publish({ topic: '$SYS/a', payload: 'stored', retain: true })
    expect(subscribed('$SYS/#')).toEqual(['stored'])
    expect([messages.count, messages.volatileCount, store.retainedCount]).toEqual([1, 0, 1])
    topics.close()
    expect(subscribed('$SYS/#')).toEqual(['stored'])
  })

  it('is not restored over by a stored message of the same topic', () => {
    harness.broker.volatileTopics().publish('$SYS/a', 'now')
    const message = Message.of({ topic: '$SYS/a', payload: 'before', retain: true })
    expect(harness.core.retained.restore([{ message, source: undefined }])).toBe(0)
    expect(subscribed('$SYS/#')).toEqual(['now'])
  })

  it('is gone after close, and only those of the same component', () => {
    const topics = harness.broker.volatileTopics()
    const others = harness.broker.volatileTopics()
    topics.publish('$SYS/a', 'x')
    others.publish('$SYS/b', 'y')
    topics.close()
    expect(subscribed('$SYS/#')).toEqual(['y'])
  })

  it('at QoS 0 does not wait for clients that are away; at QoS 1 it does', () => {
    const topics = harness.broker.volatileTopics()
    const client = harness.connect(persistent('away'))
    client.take(subscribePacket({ '$SYS/#': {} }))
    client.lose()
    topics.publish('$SYS/a', 'x')
    expect(harness.broker.session('away')).toMatchObject({ waiting: 0 })
    topics.publish('$SYS/a', 'x', 1)
    expect(harness.broker.session('away')).toMatchObject({ waiting: 1 })
  })

  it('begins with $, and is a Topic Name', () => {
    const topics = harness.broker.volatileTopics()
    expect(() => topics.publish('a', 'x')).toThrow("'a' is no topic of the broker: it does not begin with $.")
    expect(() => topics.publish('$SYS/+', 'x')).toThrow(TypeError)
    expect(harness.core.retained.messages.volatileCount).toBe(0)
  })

  it('reaches a listener of this process, which may not publish for itself endlessly', () => {
    const topics = harness.broker.volatileTopics()
    let calls = 0
    harness.broker.subscribe('$SYS/#', () => {
      calls += 1
      topics.publish('$SYS/a', 'again')
    })
    topics.publish('$SYS/a', 'first')
    expect(calls).toBe(8)
    expect(harness.log.at('error')).toHaveLength(1)
  })
})

it('with volatile topics alone, only a filter that begins with $ is searched', () => {
  harness.broker.volatileTopics().publish('$SYS/a', 'x')
  const { retained } = harness.core
  expect(['#', 'a', '+/a', '$SYS/#', '$SYS/a'].map((filter) => retained.mayMatch(filter))).toEqual([
    ...[false, false, false],
    ...[true, true],
  ])
})
