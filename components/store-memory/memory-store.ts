import { setImmediate as nextTurn } from 'node:timers/promises'
import { Change, setting } from '../../src/collections/change.ts'
import { counted } from '../../src/collections/counted.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import {
  type QueuedMessage,
  RESTORE_PAGE,
  type SessionRecord,
  type Store,
  type StoredRetained,
  type StoredSession,
  type StoredState,
  type StoreRecord,
} from '../../src/kinds/store.ts'
import { Message } from '../../src/mqtt/message.ts'
import { PacketIdentifierSet } from '../../src/mqtt/packet-identifier-set.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { MessageQueue } from './message-queue.ts'

/** Holds everything in the memory of this process: there is nothing to wait for, and it all ends with the process. */
export class MemoryStore implements Store {
  readonly batch = 1
  readonly durableBatch = Number.POSITIVE_INFINITY
  readonly pressure = 'none'
  readonly #sessions = new Map<string, MemorySession>()
  /** By Topic Name. */
  #retained = new Map<string, StoredRetained>()
  readonly #current: { log: Logger | undefined }

  constructor(log?: Logger) {
    this.#current = { log }
  }

  /** Prepares another logger. */
  adjust(log: Logger | undefined): Change {
    return new Change([setting(this.#current, { log })])
  }

  /** For a successor in the same process. Changes nothing. */
  handOver(): MemoryState {
    return { sessions: this.#sessions, retained: this.#retained }
  }

  /** Continues with the content of a predecessor, in the classes of this generation of the code. What it holds stays as it is. */
  takeOver({ sessions, retained }: MemoryState): void {
    for (const [id, session] of sessions) this.#sessions.set(id, continuedSession(session))
    // A list of them that was begun goes on with those of the successor.
    this.#retained = retained
  }

  restore(): StoredState {
    return {
      sessions: pagesOf(this.#sessions.values(), storedSession),
      retained: pagesOf(this.#retained.values(), ({ message, source }) => ({ message, source })),
    }
  }

  append(record: StoreRecord): void {
    if (record.type === 'session') this.#keep(record.session)
    else if (record.type === 'session-ended') this.#sessions.delete(record.session)
    else if (record.type === 'retained') this.#retained.set(record.message.topic, record)
    else if (record.type === 'retained-removed') this.#retained.delete(record.topic)
    else {
      const session = this.#sessions.get(record.session)
      if (session !== undefined) change(session, record)
    }
  }

  read(session: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    return this.#sessions.get(session)?.queue.read(afterSequence, limit) ?? []
  }

  /** Never calls: everything is durable from the start. */
  onDurable(): void {}

  /** The next number for a message of a session. It grows even if messages leave the queue. */
  continueAfter(session: string, sequence: number): void {
    this.#sessions.get(session)?.queue.continueAfter(sequence)
  }

  /** The sessions themselves, for the handover to a successor. */
  get sessions(): Iterable<MemorySession> {
    return this.#sessions.values()
  }

  get retained(): Iterable<StoredRetained> {
    return this.#retained.values()
  }

  get sessionCount(): number {
    return this.#sessions.size
  }

  get retainedCount(): number {
    return this.#retained.size
  }

  /** How much there is, for the operator. Takes time for each session. */
  get counts(): StoreCounts {
    const counts = { sessions: this.#sessions.size, subscriptions: 0, queued: 0, queuedBytes: 0 }
    for (const { subscriptions, queue } of this.#sessions.values()) {
      counts.subscriptions += subscriptions.size
      counts.queued += queue.count
      counts.queuedBytes += queue.bytes
    }
    return { ...counts, retained: this.#retained.size }
  }

  /** The process ends, or the system starts without a predecessor next: reports the state that is lost. */
  reportLoss(): void {
    const { sessions, subscriptions, queued, retained } = this.counts
    if (sessions + retained === 0) return
    this.#current.log?.warn(
      { sessions, subscriptions, queued, retained },
      `State in memory was lost at the stop: ${counted(sessions, 'session')}, ${counted(queued, 'queued message')} and ` +
        `${counted(retained, 'retained message')}`,
    )
  }

  #keep(record: SessionRecord): void {
    const session = this.#sessions.get(record.id)
    if (session !== undefined) session.record = record
    else this.#sessions.set(record.id, newSession(record))
  }
}

/** What goes to the successor at a reset. */
export interface MemoryState {
  readonly sessions: ReadonlyMap<string, MemorySession>
  readonly retained: Map<string, StoredRetained>
}

/** `queuedBytes` counts a message in each queue that it stands in. */
export interface StoreCounts {
  readonly sessions: number
  readonly subscriptions: number
  readonly queued: number
  readonly queuedBytes: number
  readonly retained: number
}

export interface MemorySession {
  record: SessionRecord
  /** By their filters as they were sent. */
  readonly subscriptions: Map<string, Subscription>
  /** Packet Identifiers. */
  readonly received: PacketIdentifierSet
  readonly queue: MessageQueue
}

const newSession = (record: SessionRecord): MemorySession => ({
  record,
  subscriptions: new Map(),
  received: new PacketIdentifierSet(),
  queue: new MessageQueue(),
})

const continuedSession = ({ record, subscriptions, received, queue }: MemorySession): MemorySession => {
  const identifiers = new PacketIdentifierSet()
  for (const identifier of received) identifiers.add(identifier)
  return { record, subscriptions: new Map(subscriptions), received: identifiers, queue: MessageQueue.from(queue) }
}

const storedSession = ({ record, subscriptions, received, queue }: MemorySession): StoredSession => ({
  ...record,
  subscriptions: [...subscriptions.values()],
  received: [...received],
  queue: { count: queue.count, bytes: queue.bytes, lastSequence: queue.lastSequence },
})

/**
 * Pages of values, each read when it is asked for. The event loop turns between two of them.
 * @param values of a `Map`: they may be changed and removed meanwhile.
 */
async function* pagesOf<Value, Entry>(
  values: IterableIterator<Value>,
  entryOf: (value: Value) => Entry,
): AsyncGenerator<readonly Entry[], void> {
  let page: Entry[] = []
  for (const value of values) {
    page.push(entryOf(value))
    if (page.length < RESTORE_PAGE) continue
    yield page
    page = []
    await nextTurn()
  }
  if (page.length > 0) yield page
}

/** A record that changes what belongs to a session. */
type SessionChange = Exclude<StoreRecord, { type: 'session' | 'session-ended' | 'retained' | 'retained-removed' }>

const change = (session: MemorySession, record: SessionChange): void => {
  const { subscriptions, received, queue } = session
  switch (record.type) {
    case 'queued':
      queue.put(record.queued)
      break
    case 'sent':
      replace(queue, record.sequence, { packetIdentifier: record.packetIdentifier })
      break
    case 'pubrec':
      replace(queue, record.sequence, { pubrecOrder: record.pubrecOrder, message: NO_CONTENT })
      break
    case 'done':
      queue.remove(record.sequence)
      break
    case 'received':
      received.add(record.packetIdentifier)
      break
    case 'released':
      received.delete(record.packetIdentifier)
      break
    case 'subscribed':
      subscriptions.set(record.subscription.filter, record.subscription)
      break
    case 'unsubscribed':
      subscriptions.delete(record.filter)
      break
  }
}

/** Changes a copy: the original belongs to the caller that appended it, or has been read. */
const replace = (
  queue: MessageQueue,
  sequence: number,
  changes: { readonly packetIdentifier?: number; readonly pubrecOrder?: number; readonly message?: Message },
): void => {
  const queued = queue.find(sequence)
  if (queued === undefined) return
  // Field by field: a spread costs several times as much, and this is done for every message that is sent.
  queue.put({
    sequence,
    message: changes.message ?? queued.message,
    qos: queued.qos,
    retain: queued.retain,
    subscriptionIdentifiers: queued.subscriptionIdentifiers,
    shared: queued.shared,
    queuedAtMs: queued.queuedAtMs,
    packetIdentifier: changes.packetIdentifier ?? queued.packetIdentifier,
    pubrecOrder: changes.pubrecOrder ?? queued.pubrecOrder,
  })
}

/** Stands for a message that the client has received, and of which only PUBREL is still to be sent. */
const NO_CONTENT = Message.of({ topic: '' })
