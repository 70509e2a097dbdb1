import { afterEach, beforeEach, expect, it } from 'vitest'
import { RESTORE_PAGE, type Store, type StoredSession, type StoreRecord } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { restoredState } from '../helpers/restored-state.ts'
import { messageParts, queuedMessage, sessionRecord, subscriptionTo, will } from '../helpers/store-records.ts'
import { driving, durable, type StoreUnderTest } from './store-under-test.ts'

const MANY = 10_000

/** What was durable when a store ended is there when the next one begins: the part of `storeContract` that needs `reopen`. */
export const storeReopenedContract = <S extends Store>({ create, reopen, dispose }: StoreUnderTest<S>): void => {
  let store: S
  beforeEach(async () => {
    store = await create()
  })
  afterEach(async () => {
    await dispose?.(store)
  })
  const { append, begin, queue, sequences, at } = driving(() => store)

  /** What a store opened over this one's durable data restores. */
  const restored = async () => {
    await durable(store)
    store = await reopen!(store)
    const { sessions, retained } = await restoredState(store)
    return { sessions: new Map(sessions.map((session) => [session.id, session])), retained }
  }
  const restoredSession = async (id: string): Promise<StoredSession | undefined> => (await restored()).sessions.get(id)

  it('restores ten thousand sessions and retained messages in pages, and lets the event loop turn between them', async () => {
    for (let n = 0; n < MANY; n += 1) {
      begin(`s${n}`)
      append({ type: 'retained', message: Message.of({ topic: `t/${n}`, payload: Buffer.from(`${n}`), retain: true }) })
    }
    await durable(store)
    store = await reopen!(store)
    let turns = 0
    const count = () => {
      turns += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    const read = async <Entry>(pages: AsyncIterable<readonly Entry[]>): Promise<Entry[]> => {
      const all: Entry[] = []
      let last = -1
      for await (const page of pages) {
        expect(page.length).toBeGreaterThan(0)
        expect(page.length).toBeLessThanOrEqual(RESTORE_PAGE)
        expect(turns).toBeGreaterThan(last)
        last = turns
        all.push(...page)
      }
      return all
    }
    const { sessions, retained } = store.restore()
    const ids = (await read(sessions)).map(({ id }) => id)
    const topics = (await read(retained)).map(({ topic }) => topic)
    clearImmediate(immediate)
    expect([ids.length, new Set(ids).size, topics.length, new Set(topics).size]).toEqual([MANY, MANY, MANY, MANY])
  })

  it('restores retained messages as they are when their page is read', async () => {
    const retain = (n: number, text: string) =>
      append({ type: 'retained', message: Message.of({ topic: `t/${n}`, payload: Buffer.from(text), retain: true }) })
    for (let n = 0; n < 3 * RESTORE_PAGE; n += 1) retain(n, 'old')
    await durable(store)
    store = await reopen!(store)
    const { sessions, retained } = store.restore()
    for await (const page of sessions) expect(page).toEqual([])
    const later = new Map<string, string>()
    let isFirst = true
    for await (const page of retained) {
      for (const { topic, payload } of page) {
        // Those of the first page are read before anything changes.
        if (!isFirst) later.set(topic, payload.toString())
      }
      if (!isFirst) continue
      isFirst = false
      for (let n = 0; n < 3 * RESTORE_PAGE; n += 1) {
        if (n % 2 === 0) append({ type: 'retained-removed', topic: `t/${n}` })
        else retain(n, 'new')
      }
    }
    expect(later.size).toBeGreaterThan(0)
    expect(new Set(later.values())).toEqual(new Set(['new']))
    for (const topic of later.keys()) expect(Number(topic.slice(2)) % 2).toBe(1)
  })

  it('has the sessions as they were last', async () => {
    begin('plain')
    const changed = sessionRecord({ id: 'changed', userName: 'üser', expiryIntervalSeconds: 0xffff_ffff })
    append(
      { type: 'session', session: sessionRecord({ id: 'changed', will: will('old') }) },
      { type: 'session', session: { ...changed, disconnectedAtMs: 1_700_000_000_000.125 } },
      { type: 'session', session: sessionRecord({ id: 'ended' }) },
      { type: 'session-ended', session: 'ended' },
    )
    const { sessions } = await restored()
    expect([...sessions.keys()].sort()).toEqual(['changed', 'plain'])
    const nothing = { subscriptions: [], received: [], queue: { count: 0, bytes: 0, lastSequence: 0 } }
    expect(sessions.get('plain')).toEqual({ ...sessionRecord({ id: 'plain' }), ...nothing })
    expect(sessions.get('changed')).toEqual({ ...changed, disconnectedAtMs: 1_700_000_000_000.125, ...nothing })
  })

  it('has their Wills', async () => {
    const message = Message.of({
      topic: 'w',
      payload: Buffer.from('gone'),
      properties: Buffer.from('0101', 'hex'),
      qos: 1,
      retain: true,
    })
    const stored = { message, delaySeconds: 0xffff_ffff, messageExpiryInterval: 60 }
    append({ type: 'session', session: sessionRecord({ id: 'a', will: stored }) })
    const found = (await restoredSession('a'))!.will!
    expect({ ...found, message: messageParts(found.message) }).toEqual({
      ...stored,
      message: messageParts(message),
    })
  })

  it('has their subscriptions', async () => {
    begin('a', 'b')
    const shared = {
      ...subscriptionTo('$share/g/x/#'),
      qos: 2 as const,
      retainAsPublished: true,
      identifier: 268_435_455,
    }
    append(
      { type: 'subscribed', session: 'a', subscription: subscriptionTo('x/+') },
      { type: 'subscribed', session: 'a', subscription: subscriptionTo('gone') },
      { type: 'subscribed', session: 'a', subscription: { ...subscriptionTo('x/+'), qos: 0, noLocal: true } },
      { type: 'subscribed', session: 'a', subscription: shared },
      { type: 'subscribed', session: 'b', subscription: subscriptionTo('x/+') },
      { type: 'unsubscribed', session: 'a', filter: 'gone' },
      { type: 'unsubscribed', session: 'a', filter: 'x/#' },
      { type: 'session', session: sessionRecord({ id: 'a', disconnectedAtMs: 1 }) },
    )
    const { sessions } = await restored()
    const of = (id: string) => sessions.get(id)!.subscriptions.toSorted((a, b) => (a.filter < b.filter ? -1 : 1))
    expect(of('a')).toEqual([shared, { ...subscriptionTo('x/+'), qos: 0, noLocal: true }])
    expect(of('b')).toEqual([subscriptionTo('x/+')])
  })

  it('has the identifiers of what clients sent and did not release', async () => {
    begin('a', 'b')
    for (const packetIdentifier of [1, 2, 65_535, 2]) append({ type: 'received', session: 'a', packetIdentifier })
    append(
      { type: 'released', session: 'a', packetIdentifier: 1 },
      { type: 'released', session: 'a', packetIdentifier: 9 },
    )
    append(
      { type: 'released', session: 'b', packetIdentifier: 2 },
      { type: 'session', session: sessionRecord({ id: 'a' }) },
    )
    expect((await restoredSession('a'))!.received.toSorted((a, b) => a - b)).toEqual([2, 65_535])
  })

  it('has the queues, with what was sent and received, and counts them', async () => {
    begin('a')
    queue('a', 1, 2, 3, 4, 5)
    append(
      { type: 'sent', session: 'a', sequence: 2, packetIdentifier: 20 },
      { type: 'sent', session: 'a', sequence: 3, packetIdentifier: 21 },
      { type: 'sent', session: 'a', sequence: 4, packetIdentifier: 22 },
      { type: 'pubrec', session: 'a', sequence: 4, pubrecOrder: 8 },
      { type: 'pubrec', session: 'a', sequence: 3, pubrecOrder: 9 },
      { type: 'done', session: 'a', sequence: 1 },
      { type: 'session', session: sessionRecord({ id: 'a', disconnectedAtMs: 1 }) },
    )
    const { queue: counted } = (await restoredSession('a'))!
    const states = store
      .read('a', 0, 9)
      .map(({ sequence, packetIdentifier, pubrecOrder }) => [sequence, packetIdentifier, pubrecOrder])
    expect(states).toEqual([
      [2, 20, 0],
      [3, 21, 9],
      [4, 22, 8],
      [5, 0, 0],
    ])
    expect(at('a', 2).message.payload.toString()).toBe('message 2')
    const bytes = store.read('a', 0, 9).reduce((sum, { message }) => sum + message.size, 0)
    expect(counted).toEqual({ count: 4, bytes, lastSequence: 5 })
  })

  it('has no counts left of what is done, and numbers that were used stay below those to come', async () => {
    begin('a')
    queue('a', 5, 6, 7)
    for (const sequence of [7, 6, 6]) append({ type: 'done', session: 'a', sequence })
    const { queue: counted } = (await restoredSession('a'))!
    expect(counted).toMatchObject({ count: 1, bytes: queuedMessage({ sequence: 5 }).message.size })
    expect([5, 6, 7]).toContain(counted.lastSequence)
    append({ type: 'done', session: 'a', sequence: 5 })
    expect((await restoredSession('a'))!.queue).toMatchObject({ count: 0, bytes: 0 })
  })

  it('has nothing of a session that ended in one that began later under the same name', async () => {
    begin('a')
    queue('a', 1, 2, 3)
    append(
      { type: 'subscribed', session: 'a', subscription: subscriptionTo('x') },
      { type: 'received', session: 'a', packetIdentifier: 1 },
      { type: 'session-ended', session: 'a' },
    )
    begin('a')
    queue('a', 1)
    const session = await restoredSession('a')
    expect(session).toMatchObject({ subscriptions: [], received: [], queue: { count: 1, lastSequence: 1 } })
    expect(sequences('a')).toEqual([1])
  })

  it('has the retained message of each topic that was kept last, and none that was removed', async () => {
    const retain = (topic: string, payload: string): StoreRecord => {
      const message = Message.of({
        topic,
        payload: Buffer.from(payload),
        qos: 1,
        retain: true,
        expiresAtMs: 1_700_000_000_000,
      })
      return { type: 'retained', message }
    }
    append(retain('x', 'old'), retain('x', 'new'), retain('x/y', 'other'), retain('z', 'gone'))
    append({ type: 'retained-removed', topic: 'z' }, { type: 'retained-removed', topic: 'x/' })
    append(retain('$SYS/z', 'once'), { type: 'retained-removed', topic: '$SYS/z' }, retain('$SYS/z', 'again'))
    const { retained } = await restored()
    const parts = retained.map(messageParts).sort((a, b) => (a.topic < b.topic ? -1 : 1))
    expect(parts.map(({ topic, payload }) => [topic, payload])).toEqual([
      ['$SYS/z', Buffer.from('again').toString('hex')],
      ['x', Buffer.from('new').toString('hex')],
      ['x/y', Buffer.from('other').toString('hex')],
    ])
    expect(parts[0]).toMatchObject({ qos: 1, retain: true, expiresAtMs: 1_700_000_000_000 })
  })

  it('continues, and has everything again the next time', async () => {
    begin('a')
    queue('a', 1)
    await restored()
    queue('a', 2)
    append({ type: 'done', session: 'a', sequence: 1 })
    const { queue: counted } = (await restoredSession('a'))!
    expect(counted).toMatchObject({ count: 1, lastSequence: 2 })
    expect(sequences('a')).toEqual([2])
  })
}
