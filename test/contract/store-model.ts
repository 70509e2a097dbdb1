import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { QueuedMessage, Store, StoreRecord } from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { runs } from '../helpers/full-run.ts'
import { fuzzSeed } from '../helpers/packets.ts'
import { restoredState } from '../helpers/restored-state.ts'
import { messageParts, queuedMessage, sessionRecord, subscriptionTo } from '../helpers/store-records.ts'
import { durable, type StoreUnderTest } from './store-under-test.ts'

/** Random records against lists that are searched from end to end; the part of `storeContract` that is a property. */
export const storeModelContract = <S extends Store>({
  create,
  reopen,
  dispose,
  runs: most = 200,
}: StoreUnderTest<S>): void => {
  it('agrees with lists that are searched from end to end, for any operations in any order', async () => {
    const run = async (steps: readonly Step[]) => {
      let store = await create()
      const model = new Model()
      try {
        for (const step of steps) {
          if (step.kind === 'read') {
            const found = store.read(step.session, step.number, step.pick).map(shownMessage)
            expect(found).toEqual(model.read(step.session, step.number, step.pick))
          } else if (step.kind === 'reopen') {
            if (reopen === undefined) continue
            await durable(store)
            store = await reopen(store)
            expect(await shownState(store)).toEqual(model.state())
          } else {
            const record = model.next(step)
            store.append(record)
            model.apply(record)
          }
        }
      } finally {
        await dispose?.(store)
      }
    }
    await fc.assert(fc.asyncProperty(steps, run), { seed: fuzzSeed, numRuns: runs(most) })
  })
}

const kinds = {
  session: 2,
  'session-ended': 1,
  subscribed: 2,
  unsubscribed: 1,
  queued: 12,
  sent: 4,
  pubrec: 3,
  done: 6,
  received: 2,
  released: 2,
  retained: 2,
  'retained-removed': 1,
  read: 6,
  reopen: 1,
} satisfies Record<StoreRecord['type'] | 'read' | 'reopen', number>

interface Step {
  readonly kind: keyof typeof kinds
  readonly session: string
  /** A message of the queue, one of some names, the limit of a page. */
  readonly pick: number
  /** A sequence number, a Packet Identifier, a gap. */
  readonly number: number
}

const step = fc.record<Step>({
  kind: fc.oneof(
    ...Object.entries(kinds).map(([kind, weight]) => ({ weight, arbitrary: fc.constant(kind as Step['kind']) })),
  ),
  session: fc.constantFrom('a', 'b', 'ab'),
  pick: fc.nat(12),
  number: fc.nat(40),
})

/** Both sessions that are there begin; long runs show what gaps and their closing do. */
const steps = fc
  .array(step, { maxLength: 150, size: 'max' })
  .map((rest) => [...['a', 'b'].map((session): Step => ({ kind: 'session', session, pick: 0, number: 0 })), ...rest])

interface ModelSession {
  expiryIntervalSeconds: number
  filters: string[]
  received: number[]
  queue: QueuedMessage[]
}

class Model {
  readonly #sessions = new Map<string, ModelSession>()
  /** By session. Numbers continue when a session ends, which every store has to support. */
  readonly #lastSequences = new Map<string, number>()
  readonly #retained = new Map<string, string>()

  /** The record that a step means in this state; now and then one of nothing that is there. */
  next({ kind, session, pick, number }: Step): StoreRecord {
    const queue = this.#sessions.get(session)?.queue ?? []
    const sequence = queue[pick]?.sequence ?? number
    switch (kind) {
      case 'session':
        return { type: kind, session: sessionRecord({ id: session, expiryIntervalSeconds: number }) }
      case 'subscribed':
        return { type: kind, session, subscription: subscriptionTo(`filter/${pick}`) }
      case 'unsubscribed':
        return { type: kind, session, filter: `filter/${pick}` }
      case 'queued':
        return { type: kind, session, queued: queuedMessage({ sequence: this.#sequence(session, pick), qos: 2 }) }
      case 'sent':
        return { type: kind, session, sequence, packetIdentifier: number + 1 }
      case 'pubrec':
        return { type: kind, session, sequence, pubrecOrder: number + 1 }
      case 'done':
        return { type: kind, session, sequence }
      case 'received':
      case 'released':
        return { type: kind, session, packetIdentifier: pick + 1 }
      case 'retained': {
        const message = Message.of({ topic: `topic/${pick}`, payload: Buffer.from(`${number}`), retain: true })
        return { type: kind, message }
      }
      case 'retained-removed':
        return { type: kind, topic: `topic/${pick}` }
      default:
        return { type: 'session-ended', session }
    }
  }

  /** The next sequence number, now and then with a gap before it. */
  #sequence(session: string, pick: number): number {
    const sequence = (this.#lastSequences.get(session) ?? 0) + (pick < 10 ? 1 : pick)
    this.#lastSequences.set(session, sequence)
    return sequence
  }

  apply(record: StoreRecord): void {
    if (record.type === 'retained') this.#retained.set(record.message.topic, record.message.payload.toString())
    else if (record.type === 'retained-removed') this.#retained.delete(record.topic)
    else if (record.type === 'session-ended') this.#sessions.delete(record.session)
    else if (record.type === 'session') {
      const { id, expiryIntervalSeconds } = record.session
      const before = this.#sessions.get(id) ?? { filters: [], received: [], queue: [] }
      this.#sessions.set(id, { ...before, expiryIntervalSeconds })
    } else {
      const session = this.#sessions.get(record.session)
      if (session !== undefined) change(session, record)
    }
  }

  read(session: string, after: number, limit: number): unknown[] {
    const queue = this.#sessions.get(session)?.queue ?? []
    return queue
      .filter(({ sequence }) => sequence > after)
      .slice(0, limit)
      .map(shownMessage)
  }

  state(): unknown {
    const sessions = [...this.#sessions].map(([id, { expiryIntervalSeconds, filters, received, queue }]) => ({
      id,
      expiryIntervalSeconds,
      filters: filters.toSorted(),
      received: received.toSorted(byNumber),
      count: queue.length,
      queue: queue.map(shownMessage),
    }))
    return { sessions: sessions.sort(byId), retained: [...this.#retained].sort() }
  }
}

const change = (session: ModelSession, record: Extract<StoreRecord, { session: string }>): void => {
  const replace = (sequence: number, changes: Partial<QueuedMessage>) => {
    session.queue = session.queue.map((queued) => (queued.sequence === sequence ? { ...queued, ...changes } : queued))
  }
  if (record.type === 'queued') session.queue.push(record.queued)
  if (record.type === 'sent') replace(record.sequence, { packetIdentifier: record.packetIdentifier })
  if (record.type === 'pubrec') replace(record.sequence, { pubrecOrder: record.pubrecOrder })
  if (record.type === 'done') session.queue = session.queue.filter(({ sequence }) => sequence !== record.sequence)
  if (record.type === 'received') session.received = [...new Set([...session.received, record.packetIdentifier])]
  if (record.type === 'released') session.received = session.received.filter((id) => id !== record.packetIdentifier)
  if (record.type === 'subscribed') session.filters = [...new Set([...session.filters, record.subscription.filter])]
  if (record.type === 'unsubscribed') session.filters = session.filters.filter((filter) => filter !== record.filter)
}

/** The content of a message that was received is not needed any more: a store may have it still or not. */
const shownMessage = ({ message, ...rest }: QueuedMessage) => ({
  ...rest,
  message: rest.pubrecOrder > 0 || messageParts(message),
})

const shownState = async (store: Store): Promise<unknown> => {
  const { sessions, retained } = await restoredState(store)
  const shown = sessions.map(({ id, expiryIntervalSeconds, subscriptions, received, queue }) => {
    const messages = store.read(id, 0, 1000)
    expect(queue.bytes).toBe(messages.reduce((sum, { message }) => sum + message.size, 0))
    expect(queue.lastSequence).toBeGreaterThanOrEqual(messages.at(-1)?.sequence ?? 0)
    return {
      id,
      expiryIntervalSeconds,
      filters: subscriptions.map(({ filter }) => filter).sort(),
      received: received.toSorted(byNumber),
      count: queue.count,
      queue: messages.map(shownMessage),
    }
  })
  const kept = retained.map(({ topic, payload }) => [topic, payload.toString()])
  return { sessions: shown.sort(byId), retained: kept.sort() }
}

const byNumber = (a: number, b: number): number => a - b
const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)
