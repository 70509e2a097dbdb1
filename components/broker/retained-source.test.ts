import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Authorizer, Identity } from '../../src/kinds/authorizer.ts'
import type { StoreRecord } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import {
  HandlerHarness,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { asUser, instantMethod } from '../../test/helpers/instant-method.ts'
import { MemoryStore } from '../store-memory/memory-store.ts'

/** Allows all but publishing by the clients and users in `banned`. */
class Banning implements Authorizer {
  readonly banned = new Set<string>()
  /** Who was asked about, and which retained messages. */
  readonly asked: string[] = []
  readonly identities = new Set<Identity>()

  mayPublish(identity: Identity, topic: string, qos: number, retain: boolean) {
    const { clientId, userName } = identity
    this.asked.push(`${clientId} ${userName} ${topic} ${qos} ${retain}`)
    this.identities.add(identity)
    return this.banned.has(clientId) || this.banned.has(userName ?? '') ? 'deny' : 'allow'
  }
  maySubscribe() {
    return 'allow' as const
  }
}

/** Keeps what was appended to it. */
class RecordingStore extends MemoryStore {
  readonly records: StoreRecord[] = []
  override append(record: StoreRecord): void {
    this.records.push(record)
    super.append(record)
  }
  get sources() {
    return this.records.flatMap((record) => (record.type === 'retained' ? [record.source] : []))
  }
}

let broker: HandlerHarness
let store: RecordingStore
let authorizer: Banning
const start = (config: object = {}, parts: object = {}) => {
  broker = new HandlerHarness(config, { store, authorizers: [authorizer], ...parts })
}
beforeEach(() => {
  authorizer = new Banning()
  store = new RecordingStore()
})
afterEach(() => broker.stop())

const retain = (topic: string, fields: object = {}) =>
  publishPacket({ topic, retain: true, payload: Buffer.from(topic), ...fields })
const received = (filter = '#', fields: object = {}) =>
  payloads(broker.connect({ clientId: 'subscriber', ...fields }).take(subscribePacket({ [filter]: {} })))
const denied = () => broker.core.counters.deniedRetained
const restart = async (config: object = {}, parts: object = {}) => {
  broker.stop()
  start(config, parts)
  await broker.core.restore()
}

describe('a retained message', () => {
  it('is delivered as long as its publisher may publish it, by the rules in force then', () => {
    start()
    broker.connect({ clientId: 'thief' }).take(retain('a', { qos: 1 }), retain('b'))
    broker.connect({ clientId: 'other' }).take(retain('c'))
    authorizer.asked.length = 0
    expect(received()).toEqual(['a', 'b', 'c'])
    expect(authorizer.asked).toEqual([
      'thief undefined a 1 true',
      'thief undefined b 0 true',
      'other undefined c 0 true',
    ])
    authorizer.banned.add('thief')
    expect(received()).toEqual(['c'])
    expect(denied()).toBe(2)
    const warnings = broker.log.at('warn').filter(({ message }) => message.includes('retained'))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ topic: 'a', client: 'thief' })
    // It is not removed: the publisher may get the right again.
    authorizer.banned.clear()
    expect(received()).toEqual(['a', 'b', 'c'])
  })

  it('is not queued for a client that is away either', () => {
    start()
    broker.connect({ clientId: 'thief' }).take(retain('a', { qos: 1 }))
    broker.connect({ clientId: 'other' }).take(retain('b', { qos: 1 }))
    authorizer.banned.add('thief')
    const client = broker.connect(persistent('subscriber'))
    client.connection.congested = true
    client.take(subscribePacket({ '#': {} }))
    client.lose()
    expect(broker.core.sessions.get('subscriber')?.outbox.waiting).toBe(1)
  })

  it('belongs to the publisher of the last one on the topic', () => {
    start()
    broker.connect({ clientId: 'thief' }).take(retain('a'))
    broker.connect({ clientId: 'other' }).take(retain('a'))
    authorizer.banned.add('thief')
    expect(received()).toEqual(['a'])
  })

  it('of the server itself is always delivered', () => {
    start()
    broker.broker.publish({ topic: 'a', payload: 'a', retain: true })
    authorizer.asked.length = 0
    expect(received()).toEqual(['a'])
    expect([authorizer.asked, store.sources]).toEqual([[], [undefined]])
  })

  it('is delivered without a question where checkRetainedSource is false', () => {
    start({ checkRetainedSource: false })
    broker.connect({ clientId: 'thief' }).take(retain('a'))
    authorizer.banned.add('thief')
    authorizer.asked.length = 0
    expect(received()).toEqual(['a'])
    expect(authorizer.asked).toEqual([])
  })

  it('is asked about after a restart, with user name and attributes, also of a Will', async () => {
    const parts = { authenticationMethods: [instantMethod] }
    start({}, parts)
    const will = { topic: 'will', payload: Buffer.from('will'), qos: 0 as const, retain: true }
    broker.connect(asUser('thief', { clientId: '1', will })).lose()
    broker.connect(asUser('ann', { clientId: '2' })).take(retain('a'))
    await restart({}, parts)
    authorizer.banned.add('thief')
    expect(received('#', asUser('bob'))).toEqual(['a'])
    expect(denied()).toBe(1)
    expect(store.sources[0]).toMatchObject({
      clientId: '1',
      userName: 'thief',
      peer: { address: '127.0.0.1', port: 0 },
    })
  })

  it('is asked about by the own rules of its publisher after a restart, without authorizers', async () => {
    const parts = { authorizers: [] }
    const rules = [{ action: 'publish' as const, filter: 'mine', allow: true }]
    start({}, parts)
    const publisher = { clientId: 'p', userName: 'u', peer: broker.open().connection.peer }
    const session = broker.core.sessions.create({ ...publisher, attributes: { rules } }, undefined, false)
    for (const topic of ['mine', 'other']) {
      broker.core.retained.take(Message.of({ topic, payload: Buffer.from(topic), retain: true }), session)
    }
    expect(received()).toEqual(['mine'])
    await restart({}, parts)
    expect(received()).toEqual(['mine'])
  })
})

describe('the publishers of retained messages', () => {
  it('are not kept and cost nothing without authorizers and users', () => {
    start({}, { authorizers: [] })
    broker.connect({ clientId: 'a', username: 'claimed' }).take(retain('a'))
    expect([store.sources, broker.core.retained.sources]).toEqual([[undefined], 0])
    expect(Object.keys(store.records.find(({ type }) => type === 'retained')!)).toEqual(['type', 'message'])
    expect([broker.core.retained.checksSource, received()]).toEqual([false, ['a']])
    expect(broker.core.retained.bytes).toBe(broker.core.retained.messages.bytes)
  })

  it('are shared by value, over connections and restarts', async () => {
    start()
    for (let connection = 0; connection < 3; connection += 1) {
      const client = broker.connect({ clientId: 'p', username: 'u' })
      for (const topic of ['a', 'b', 'c']) client.take(retain(`${topic}/${connection}`))
      client.lose()
    }
    expect([new Set(store.sources).size, broker.core.retained.sources]).toEqual([1, 1])
    await restart()
    broker.connect({ clientId: 'p', username: 'u' }).take(retain('again'))
    expect(broker.core.retained.sources).toBe(1)
    authorizer.identities.clear()
    expect(received()).toHaveLength(10)
    expect(authorizer.identities.size).toBe(1)
  })

  it('count in maximumRetainedBytes while they have messages, so that long names do not fill the memory', () => {
    start({ maximumRetainedBytes: 30_000 })
    const { retained } = broker.core
    for (let n = 0; n < 20; n += 1) {
      broker.connect({ clientId: `${n}`.padEnd(1_000, 'x') }).take(retain(`t/${n}`))
    }
    expect([retained.messages.count, retained.sources]).toEqual([3, 3])
    expect(retained.bytes).toBeLessThan(30_000)
    // One of a publisher that is known, and one that takes the place of another, find room.
    broker.connect({ clientId: '0'.padEnd(1_000, 'x') }).take(retain('more'), retain('t/1'))
    expect([retained.messages.count, retained.sources]).toEqual([4, 2])
    for (const { topic } of broker.broker.retained('#')) broker.broker.deleteRetained(topic)
    expect([retained.bytes, retained.sources]).toEqual([0, 0])
  })
})
