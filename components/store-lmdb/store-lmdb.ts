import type { Step } from '../../src/collections/change.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type {
  QueuedMessage,
  SessionRecord,
  Store,
  StoredRetained,
  StoredState,
  StorePressure,
  StoreRecord,
} from '../../src/kinds/store.ts'
import { type Batch, PendingMessage, type SessionEntry } from './batch.ts'
import { BatchLine, type Committer, type EndOfTurn, type LineSettings } from './batch-line.ts'
import { encodeBatch } from './encode-batch.ts'
import type { StoreFile } from './environment.ts'
import type { Operations } from './operations.ts'
import { QueueIndex } from './queue-index.ts'
import { Removals } from './removals.ts'
import { type RestoredIndex, restoredRetained, restoredSessions } from './restore.ts'
import { type PendingRetained, renewIndex, type StoreState } from './store-state.ts'
import { StoredMessages } from './stored-messages.ts'
import type { TurnWork } from './turn-work.ts'

/** What a store works with. */
export interface StoreParts {
  readonly file: StoreFile
  readonly committer: Committer
  readonly log: Logger
  readonly settings: LineSettings
  /** What the file has, by `loadIndex`. */
  readonly index: RestoredIndex
  readonly endOfTurn?: EndOfTurn
}

/**
 * Keeps sessions and messages in a file. In memory are the sessions and, for each message of a queue, the place where it is in
 * the file; the message itself only until it is written.
 */
export class LmdbStore implements Store {
  readonly #file: StoreFile
  readonly #stored: StoredMessages
  readonly #line: BatchLine
  #index: RestoredIndex
  /** By slot: messages that are not committed. */
  #pending = new Map<number, PendingMessage>()
  /** By topic: what has changed and is not committed. */
  #pendingRetained = new Map<string, PendingRetained>()
  #removals: Removals

  constructor({ file, committer, log, settings, index, endOfTurn }: StoreParts) {
    this.#file = file
    this.#stored = new StoredMessages(file, log)
    this.#index = index
    this.#removals = this.#removalsOf(index)
    this.#line = new BatchLine(
      settings,
      {
        endTurn: () => this.#removals.endTurn(this.#line.open),
        encode: (batch, to, work) => this.#encode(batch, to, work),
        committed: (batch) => this.#committed(batch),
      },
      committer,
      endOfTurn,
    )
    if (this.#removals.areLeft) this.#line.continued()
  }

  /** For a successor. Changes nothing. */
  handOver(): StoreState {
    const [index, pending, pendingRetained] = [this.#index, this.#pending, this.#pendingRetained]
    const ending = this.#removals.handOver()
    return { index, pending, pendingRetained, ending, damaged: this.damaged, line: this.#line.handOver() }
  }

  /** Continues at a reset: all effects on what both generations hold, in their order. */
  takingOver(state: StoreState): readonly Step[] {
    return [
      () => {
        state.line.charge.holder.completeEncoding()
        return () => undefined
      },
      renewIndex(state),
      () => {
        this.#index = state.index
        this.#pending = state.pending
        this.#pendingRetained = state.pendingRetained
        this.#stored.damaged = state.damaged
        this.#removals = this.#removalsOf(state.index, state.ending)
        return this.#line.takeOver(state.line)
      },
    ]
  }

  get batch(): number {
    return this.#line.open.number
  }

  get durableBatch(): number {
    return this.#line.durableBatch
  }

  get pressure(): StorePressure {
    return this.#line.pressure
  }

  /** Numbers for the operator. Takes time for each session. */
  get counts(): StoreCounts {
    let queued = 0
    for (const { queue } of this.#index.sessions.values()) queued += queue.count
    const { pendingBytes, pendingRecords } = this.#line
    const { sessionCount: sessions, messageCount: messages, damaged } = this
    return { sessions, messages, queued, pendingRecords, pendingBytes, damaged }
  }

  get sessionCount(): number {
    return this.#index.sessions.size
  }

  get messageCount(): number {
    return this.#index.table.count
  }

  get pendingBytes(): number {
    return this.#line.pendingBytes
  }

  /** Records that are not durable. */
  get pendingRecords(): number {
    return this.#line.pendingRecords
  }

  get damaged(): number {
    return this.#stored.damaged
  }

  onDurable(listener: () => void): void {
    this.#line.onDurable(listener)
  }

  restore(): StoredState {
    return {
      sessions: restoredSessions(this.#file, this.#index),
      retained: restoredRetained(this.#file, this.#index, this.#pendingRetained),
    }
  }

  /** @returns when everything that was appended is durable. */
  flush(): Promise<void> {
    return this.#line.flush()
  }

  /** `LineSettings` were changed in place. */
  settingsChanged(): void {
    this.#line.settingsChanged()
  }

  /** Ends the turn of the event loop as far as the store knows. */
  endTurn(): void {
    this.#line.endTurn()
  }

  /** Writes no more. */
  stop(): void {
    this.#line.stop()
  }

  append(record: StoreRecord): void {
    const { open } = this.#line
    switch (record.type) {
      case 'session':
        this.#putSession(record.session, open)
        return
      case 'session-ended':
        this.#endSession(record.session, open)
        return
      case 'retained':
        this.#retain(record.message.topic, record, open)
        return
      case 'retained-removed':
        this.#retain(record.topic, undefined, open)
        return
      default: {
        const session = this.#index.sessions.get(record.session)
        if (session !== undefined) this.#change(session, record, open)
        else this.#line.recorded(0, true)
      }
    }
  }

  read(id: string, afterSequence: number, limit: number): readonly QueuedMessage[] {
    const session = this.#index.sessions.get(id)
    if (session === undefined) return []
    const { queue } = session
    const page: QueuedMessage[] = []
    const unreadable: number[] = []
    for (let at = queue.findAfter(afterSequence); at !== -1 && page.length < limit; at = queue.next(at)) {
      const sequence = queue.sequenceAt(at)
      const slot = queue.slotAt(at)
      const index = queue.indexAt(at)
      const pending = this.#pending.get(slot)
      const sent = queue.sent(sequence)
      const packetIdentifier = sent?.packetIdentifier ?? 0
      const pubrecOrder = sent?.pubrecOrder ?? 0
      if (pending !== undefined) {
        page.push({ ...pending.queued[index]!, packetIdentifier, pubrecOrder })
        continue
      }
      const stored = this.#stored.read(this.#index.table.idOf(slot), index, id)
      if (stored === undefined) unreadable.push(sequence)
      else page.push({ ...stored, sequence, packetIdentifier, pubrecOrder })
    }
    for (const sequence of unreadable) this.append({ type: 'done', session: id, sequence })
    return page
  }

  #removalsOf(index: RestoredIndex, ending?: SessionEntry[]): Removals {
    return new Removals(index, (session, sequence, batch) => this.#done(session, sequence, batch), ending)
  }

  #change(session: SessionEntry, record: SessionChange, open: Batch): void {
    switch (record.type) {
      case 'queued':
        this.#queue(session, record.queued, open)
        return
      case 'done':
        this.#done(session, record.sequence, open)
        this.#line.recorded(RECORD_BYTES, false)
        return
      case 'sent':
        this.#sent(session, record.sequence, open, record.packetIdentifier, undefined)
        break
      case 'pubrec':
        this.#sent(session, record.sequence, open, undefined, record.pubrecOrder)
        break
      case 'received':
        open.setReceived(session, record.packetIdentifier, true)
        break
      case 'released':
        open.setReceived(session, record.packetIdentifier, false)
        break
      case 'subscribed':
        open.setSubscription(session, record.subscription.filter, record.subscription)
        break
      case 'unsubscribed':
        open.setSubscription(session, record.filter, undefined)
        break
    }
    this.#line.recorded(RECORD_BYTES, true)
  }

  #putSession(record: SessionRecord, open: Batch): void {
    const { sessions } = this.#index
    let session = sessions.get(record.id)
    if (session === undefined) {
      session = { id: record.id, number: this.#index.nextNumber, queue: new QueueIndex(), since: open.number }
      this.#index.nextNumber += 1
      sessions.set(record.id, session)
    }
    open.sessions.set(session, record)
    this.#line.recorded(SESSION_BYTES + (record.will?.message.size ?? 0), true)
  }

  #endSession(id: string, open: Batch): void {
    const session = this.#index.sessions.get(id)
    if (session !== undefined) {
      this.#index.sessions.delete(id)
      open.forget(session)
      if (session.since !== open.number) {
        open.ended.push(session)
        open.cleaned.push(session.number)
      }
      this.#removals.end(session)
    }
    this.#line.recorded(RECORD_BYTES, true)
  }

  #retain(topic: string, retained: StoredRetained | undefined, open: Batch): void {
    open.retained.set(topic, retained)
    this.#pendingRetained.set(topic, { retained, batch: open })
    this.#line.recorded(RECORD_BYTES + (retained?.message.size ?? 0), true)
  }

  #queue(session: SessionEntry, queued: QueuedMessage, open: Batch): void {
    const { table } = this.#index
    const { message, sequence, packetIdentifier, pubrecOrder } = queued
    if (sequence <= session.queue.lastSequence && session.queue.find(sequence) !== -1)
      this.#done(session, sequence, open)
    let bytes = RECORD_BYTES
    let pending = open.openMessage(message)
    if (pending === undefined) {
      const slot = table.take(this.#index.nextId, message.size)
      this.#index.nextId += 1
      pending = new PendingMessage(message, slot, open)
      open.addMessage(pending)
      this.#pending.set(slot, pending)
      bytes += message.size
    }
    const index = pending.add(session, queued)
    table.owe(pending.slot)
    session.queue.add(sequence, pending.slot, index, queued.shared !== undefined)
    if (packetIdentifier !== 0 || pubrecOrder !== 0)
      session.queue.setSent(sequence, { packetIdentifier, pubrecOrder, isInRow: false })
    this.#line.recorded(bytes, true)
  }

  #sent(
    session: SessionEntry,
    sequence: number,
    open: Batch,
    packetIdentifier: number | undefined,
    pubrecOrder: number | undefined,
  ): void {
    const { queue } = session
    const at = queue.find(sequence)
    if (at === -1) return
    const before = queue.sent(sequence)
    // A message that was not handed over is written as it is then.
    const isInRow = this.#pending.get(queue.slotAt(at))?.isHanded !== false
    const sent = {
      packetIdentifier: packetIdentifier ?? before?.packetIdentifier ?? 0,
      pubrecOrder: pubrecOrder ?? before?.pubrecOrder ?? 0,
      isInRow,
    }
    queue.setSent(sequence, sent)
    if (isInRow) open.setSent(session, sequence, sent)
  }

  /** The session is owed the message no more. */
  #done(session: SessionEntry, sequence: number, open: Batch): void {
    const { queue } = session
    const at = queue.find(sequence)
    if (at === -1) return
    const slot = queue.slotAt(at)
    const index = queue.indexAt(at)
    const isShared = queue.isSharedAt(at)
    if (queue.sent(sequence)?.isInRow === true) open.setSent(session, sequence, undefined)
    queue.remove(sequence)
    const pending = this.#pending.get(slot)
    if (pending === undefined || pending.isHanded) {
      this.#removals.settle(slot, index, isShared, open)
      return
    }
    if (pending.batch !== open && isShared) {
      // It may move to another queue in the open batch, so it must be written until then.
      open.settledLater.push([pending, index])
      return
    }
    pending.settle(index)
    this.#index.table.settle(slot)
  }

  *#encode(batch: Batch, to: Operations, work: TurnWork): Generator<undefined, void> {
    for (const [pending, index] of batch.settledLater) {
      this.#removals.settle(pending.slot, pending.indexInFile(index), true, batch)
    }
    const unclean = yield* encodeBatch(batch, this.#index, this.#file, to, work)
    if (unclean.length === 0) return
    for (const number of unclean) this.#line.open.cleaned.push(number)
    this.#line.continued()
  }

  #committed(batch: Batch): void {
    for (const pending of batch.messages) {
      if (this.#pending.get(pending.slot) === pending) this.#pending.delete(pending.slot)
    }
    for (const topic of batch.retained.keys()) {
      if (this.#pendingRetained.get(topic)?.batch === batch) this.#pendingRetained.delete(topic)
    }
    // The open batch may have room again for what the one before it could not take.
    if (this.#removals.areLeft) this.#line.continued()
  }
}

export interface StoreCounts {
  readonly sessions: number
  /** Messages in the file, or on their way there; each once. */
  readonly messages: number
  /** Places of messages in queues. */
  readonly queued: number
  readonly pendingRecords: number
  readonly pendingBytes: number
  /** Messages that could not be read. */
  readonly damaged: number
}

type SessionChange = Exclude<StoreRecord, { type: 'session' | 'session-ended' | 'retained' | 'retained-removed' }>

/** What a record keeps in memory until it is written, about. */
const RECORD_BYTES = 150
const SESSION_BYTES = 600
