import { afterEach, expect, it } from 'vitest'
import { Fifo } from '../../src/collections/fifo.ts'
import type { StoredRetained, StoredState } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { PackedMessage } from '../../src/mqtt/packed-message.ts'
import {
  HandlerHarness,
  type HarnessClient,
  payloads,
  persistent,
  publishPacket,
  subscribePacket,
} from '../../test/helpers/handler-harness.ts'
import { SlowStore } from '../../test/helpers/slow-store.ts'
import { sessionRecord, subscriptionTo } from '../../test/helpers/store-records.ts'

const retained = (topic: string, text: string): StoredRetained => ({
  message: Message.of({ topic, payload: Buffer.from(text), retain: true, qos: 1 }),
})

const packedRetained = (topic: string, text: string): StoredRetained => {
  const lengths = { topic: topic.length, properties: 0, payload: text.length }
  return PackedMessage.of(Buffer.from(topic + text), 0, lengths, { qos: 1, retain: true })!
}

/** A store whose retained messages come page by page, when the test gives them: one at once for each that the start waits for. */
class PagedStore extends SlowStore {
  readonly #pages = new Fifo<readonly StoredRetained[] | Error | undefined>()
  #wake: () => void = () => undefined
  /** Pages that were asked for. */
  asked = 0
  /** Whether a record was appended before the sessions were read to their end. */
  isWrittenEarly = false
  #areSessionsRead = false

  constructor() {
    super()
    for (let page = 0; page < 10; page += 1) this.#pages.push([retained(`first/${page}`, 'first')])
  }

  /** Gives the next page. undefined is the end. */
  async give(page: readonly StoredRetained[] | Error | undefined): Promise<void> {
    this.#pages.push(page)
    this.#wake()
    await new Promise(setImmediate)
  }

  override append(record: Parameters<SlowStore['append']>[0]): void {
    if (!this.#areSessionsRead) this.isWrittenEarly = true
    super.append(record)
  }

  override restore(): StoredState {
    return { sessions: this.#sessions(super.restore()), retained: this.#retained() }
  }

  async *#sessions({ sessions }: StoredState) {
    yield* sessions
    this.#areSessionsRead = true
  }

  async *#retained() {
    for (;;) {
      this.asked += 1
      while (this.#pages.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
      const page = this.#pages.shift()
      if (page === undefined) return
      if (page instanceof Error) throw page
      yield page
    }
  }
}

let broker: HandlerHarness
let store: PagedStore
const start = async (config: object = {}) => {
  store = new PagedStore()
  broker = new HandlerHarness(config, { store }, () => store.settleAll())
  await broker.core.restore()
}
afterEach(() => broker.stop())

const subscribed = (filter: string): HarnessClient => {
  const client = broker.connect({ clientId: 'subscriber' })
  expect(client.take(subscribePacket({ [filter]: { qos: 0 } }))).toMatchObject([{ cmd: 'suback', granted: [0] }])
  return client
}
const publisher = () => broker.connect({ clientId: 'publisher' })

it('clients connect and subscribe before all retained messages are restored, and get them when they are', async () => {
  await start()
  const client = subscribed('#')
  await store.give([retained('a', 'one'), retained('b', 'two')])
  expect(client.take()).toEqual([])
  // What is published meanwhile does not wait.
  publisher().take(publishPacket({ topic: 'live', payload: Buffer.from('live') }))
  expect(payloads(client.take())).toEqual(['live'])
  await store.give(undefined)
  await broker.core.restored
  await new Promise(setImmediate)
  const texts = payloads(client.take())
  expect([texts.length, texts.filter((text) => text !== 'first')]).toEqual([12, ['one', 'two']])
  expect(payloads(broker.connect({ clientId: 'late' }).take(subscribePacket({ a: { qos: 0 } })))).toEqual(['one'])
})

it('the start waits for the first retained messages', async () => {
  await start()
  expect([store.asked, broker.core.retained.messages.count]).toEqual([11, 10])
  await store.give(undefined)
  await broker.core.restored
  expect(broker.log.at('info').map(({ message }) => message)).toContain('10 retained messages restored')
})

it.each([
  ['message', retained],
  ['packed message', packedRetained],
])(
  'what is retained or removed meanwhile wins over the stored %s, also over one of the page that is being read',
  async (_, stored) => {
    await start()
    const client = publisher()
    const empty = Buffer.alloc(0)
    client.take(publishPacket({ topic: 'replaced', payload: Buffer.from('new'), retain: true }))
    client.take(publishPacket({ topic: 'removed', payload: empty, retain: true }))
    client.take(publishPacket({ topic: 'again', payload: empty, retain: true }))
    client.take(publishPacket({ topic: 'again', payload: Buffer.from('new'), retain: true }))
    expect(broker.broker.deleteRetained('deleted')).toBe(true)
    const page = ['replaced', 'removed', 'again', 'deleted', 'kept'].map((topic) => stored(topic, 'old'))
    await store.give(page)
    await store.give(undefined)
    await broker.core.restored
    const found = broker.broker.retained('+').map(({ topic, payload }) => `${topic} ${payload}`)
    expect(found.sort()).toEqual(['again new', 'kept old', 'replaced new'])
    // The store knows as well, also of topics that were not restored yet.
    const removed = store.pending.flatMap((record) => (record.type === 'retained-removed' ? [record.topic] : []))
    expect(removed).toEqual(['removed', 'again', 'deleted'])
    // From now on a removal needs a record only if there was a message.
    client.take(publishPacket({ topic: 'removed', payload: empty, retain: true }))
    expect(broker.broker.deleteRetained('deleted')).toBe(false)
  },
)

it('topics that were removed meanwhile are not remembered for longer than a page', async () => {
  await start()
  const client = publisher()
  for (let n = 0; n < 5; n += 1) {
    client.take(publishPacket({ topic: 'a', payload: Buffer.alloc(0), retain: true }))
    await store.give([])
  }
  // The store gives what it has now: the message is newer than the removal.
  await store.give([retained('a', 'newer')])
  await store.give(undefined)
  expect(broker.broker.retained('a').map(({ payload }) => `${payload}`)).toEqual(['newer'])
})

it('retained messages that cannot be read are reported, and clients are served with the others', async () => {
  await start()
  const client = subscribed('first/#')
  await store.give(new Error('page 7 is damaged'))
  await broker.core.restored
  await new Promise(setImmediate)
  expect(payloads(client.take())).toHaveLength(10)
  expect(broker.log.at('error')).toMatchObject([{ restored: 10, err: new Error('page 7 is damaged') }])
  // What was not read is still in the store, and can be removed there.
  expect(broker.broker.deleteRetained('unread')).toBe(true)
  expect(store.pending).toContainEqual({ type: 'retained-removed', topic: 'unread' })
})

it('retained messages without room are reported and stay in the store', async () => {
  await start({ maximumRetainedMessages: 11 })
  await store.give([retained('a', 'one'), retained('b', 'two')])
  await store.give(undefined)
  await broker.core.restored
  expect(broker.log.at('warn')).toMatchObject([{ refused: 1, restored: 11 }])
  expect(broker.broker.deleteRetained('b')).toBe(true)
  expect(store.pending).toContainEqual({ type: 'retained-removed', topic: 'b' })
})

it('a stop ends it', async () => {
  await start()
  broker.stop()
  await store.give([retained('a', 'one')])
  await broker.core.restored
  expect(store.asked).toBe(11)
})

it('ten thousand sessions are restored over turns of the event loop, and nothing is written before all are read', async () => {
  const count = 10_000
  store = new PagedStore()
  for (let n = 0; n < count; n += 1) {
    store.append({ type: 'session', session: sessionRecord({ id: `s${n}`, disconnectedAtMs: undefined }) })
    store.append({ type: 'subscribed', session: `s${n}`, subscription: subscriptionTo(`t/${n}`) })
  }
  store.settleAll()
  store.isWrittenEarly = false
  broker = new HandlerHarness({}, { store }, () => store.settleAll())
  let turns = 0
  const turn = () => {
    turns += 1
    immediate = setImmediate(turn)
  }
  let immediate = setImmediate(turn)
  await broker.core.restore()
  clearImmediate(immediate)
  // 70 units each, of 50,000 in a turn; at least as many as there are pages.
  expect(turns).toBeGreaterThanOrEqual(12)
  expect([store.isWrittenEarly, broker.core.sessions.count, broker.core.sessions.away.count]).toEqual([
    false,
    count,
    count,
  ])
  const client = broker.connect(persistent('s77'))
  expect(client.connack).toMatchObject({ sessionPresent: true })
})
