import type { QueuedMessage, SessionRecord, StoredRetained } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { MAXIMUM_RECEIVERS } from './layout.ts'
import type { QueueIndex, SentMessage } from './queue-index.ts'
import type { SentRows } from './sent-rows.ts'

/** A session in the memory of the store. Its record is in the file. */
export interface SessionEntry {
  readonly id: string
  /** Its name in the file. Never used again. */
  readonly number: number
  queue: QueueIndex
  /** The number of the batch that it began in; 0 when it was in the file already. */
  readonly since: number
  /** What the file has of messages that were sent since they were written; undefined while it has nothing. */
  sentRows?: SentRows | undefined
}

/**
 * A message that is not in the file yet, or on its way there, and those that are owed it. A receiver is a place in two lists, so
 * that thousands of them make no objects.
 */
export class PendingMessage {
  readonly message: Message
  readonly slot: number
  readonly batch: Batch
  /** By receiver; undefined is done, until the message is handed over. */
  sessions: (SessionEntry | undefined)[] = []
  /** By receiver. */
  queued: QueuedMessage[] = []
  /** It was handed to the file: changes are written behind it. */
  isHanded = false
  /** Receivers that are done. */
  #done = 0
  /** By the index of a receiver before the message was handed over: the one after it; undefined if all stayed. */
  #moved: Map<number, number> | undefined

  constructor(message: Message, slot: number, batch: Batch) {
    this.message = message
    this.slot = slot
    this.batch = batch
  }

  /** @returns the index of the receiver. */
  add(session: SessionEntry, queued: QueuedMessage): number {
    this.queued.push(queued)
    return this.sessions.push(session) - 1
  }

  /** A receiver is owed the message no more. For a message that was not handed over. */
  settle(index: number): void {
    this.sessions[index] = undefined
    this.#done += 1
  }

  /** Those that are done leave, and the others move together. */
  handOver(): void {
    this.isHanded = true
    if (this.#done === 0) return
    const { sessions, queued } = this
    this.sessions = []
    this.queued = []
    if (this.#done === sessions.length) return
    this.#moved = new Map()
    for (const [index, session] of sessions.entries()) {
      if (session === undefined) continue
      const now = this.add(session, queued[index]!)
      this.#moved.set(index, now)
      session.queue.moveTo(queued[index]!.sequence, now)
    }
  }

  /** @param index of a receiver before the message was handed over. @returns where it is in the file. */
  indexInFile(index: number): number {
    return this.#moved?.get(index) ?? index
  }
}

/** Shape of an entry of `Batch.done`. */
export const stateNumber = (slot: number, index: number): number => slot * MAXIMUM_RECEIVERS + index
export const slotOfState = (state: number): number => Math.floor(state / MAXIMUM_RECEIVERS)
export const indexOfState = (state: number): number => state % MAXIMUM_RECEIVERS

/**
 * The changes of some turns of the event loop, as their net effect: the last one of each key. It is written in one commit. It
 * is encoded when it is handed to the file, so what is struck out before costs nothing.
 */
export class Batch {
  readonly number: number
  readonly sessions = new Map<SessionEntry, SessionRecord>()
  /** Ended sessions whose record is removed. */
  readonly ended: SessionEntry[] = []
  /** Ended sessions whose subscriptions and Packet Identifiers are looked for and removed. */
  readonly cleaned: number[] = []
  /** By filter; undefined was removed. */
  readonly subscriptions = new Map<SessionEntry, Map<string, Subscription | undefined>>()
  /** By Packet Identifier; false was released. */
  readonly received = new Map<SessionEntry, Map<number, boolean>>()
  /** By topic; undefined was removed. */
  readonly retained = new Map<string, StoredRetained | undefined>()
  readonly messages: PendingMessage[] = []
  /** By message, the last of `messages` that has it. */
  readonly #lastOf = new Map<Message, PendingMessage>()
  #last: PendingMessage | undefined
  /** Receivers in the file that are owed their message no more, while others are: each by `stateNumber`. */
  readonly done = new Set<number>()
  /** By sequence number, what was sent of a message in the file; undefined is done. */
  readonly sent = new Map<SessionEntry, Map<number, SentMessage | undefined>>()
  /** Slots of messages that are owed to no session. They leave the file. */
  readonly removed = new Set<number>()
  /** Those among them that must not leave before the rest of the batch is written: they may be in another queue in it. */
  readonly moved = new Set<number>()
  /** Entries that leave the file with messages of many receivers whose last one is done. */
  #settledRows = 0
  /** Entries that leave the file with what ended sessions, and batches before this one, have left over. */
  #leftRows = 0
  /** Receivers in a batch before this one that are done by a record of this one. */
  readonly settledLater: (readonly [message: PendingMessage, index: number])[] = []
  /** Something was appended. */
  isOpened = false
  /** Some record in it is not `done`: an answer may wait for it. */
  isAwaited = false
  /** How many records were appended. */
  records = 0
  /** What it keeps in memory, about. */
  bytes = 0

  constructor(number: number) {
    this.number = number
  }

  /**
   * Removes a message whose last receiver is done by a record of this batch, if it takes as many removals.
   * @param rows in the file, at most.
   * @returns false if the message stays for a later batch.
   */
  removeSettled(slot: number, rows: number): boolean {
    if (rows > FEW_ROWS) {
      if (this.#settledRows >= MAXIMUM_REMOVED_ROWS) return false
      this.#settledRows += rows
    }
    this.removed.add(slot)
    return true
  }

  /** Removes a message that is owed to no session since an earlier batch. @param rows in the file, at most. */
  removeLeft(slot: number, rows: number): void {
    this.countLeft(rows)
    this.removed.add(slot)
  }

  /** Entries of what is left over leave the file in this batch. */
  countLeft(rows: number): void {
    this.#leftRows += rows
  }

  /** It takes no more of what is left over. */
  get isFullOfLeft(): boolean {
    return this.#leftRows >= MAXIMUM_REMOVED_ROWS
  }

  /** The last of `messages` that has this message and takes another receiver. */
  openMessage(message: Message): PendingMessage | undefined {
    const last = this.#last?.message === message ? this.#last : this.#lastOf.get(message)
    return last === undefined || last.sessions.length === MAXIMUM_RECEIVERS ? undefined : last
  }

  addMessage(pending: PendingMessage): void {
    this.messages.push(pending)
    this.#lastOf.set(pending.message, pending)
    this.#last = pending
  }

  setSubscription(session: SessionEntry, filter: string, subscription: Subscription | undefined): void {
    const known = this.subscriptions.get(session)
    if (known === undefined) this.subscriptions.set(session, new Map([[filter, subscription]]))
    else known.set(filter, subscription)
  }

  setReceived(session: SessionEntry, packetIdentifier: number, isReceived: boolean): void {
    const known = this.received.get(session)
    if (known === undefined) this.received.set(session, new Map([[packetIdentifier, isReceived]]))
    else known.set(packetIdentifier, isReceived)
  }

  setSent(session: SessionEntry, sequence: number, sent: SentMessage | undefined): void {
    const known = this.sent.get(session)
    if (known === undefined) this.sent.set(session, new Map([[sequence, sent]]))
    else known.set(sequence, sent)
  }

  /** Nothing of an ended session is written any more. */
  forget(session: SessionEntry): void {
    this.sessions.delete(session)
    this.subscriptions.delete(session)
    this.received.delete(session)
    this.sent.delete(session)
  }
}

/**
 * Entries that leave the file in one batch, with messages of many receivers and with what is left over: so many of each, and those of
 * one message more. They are handed to LMDB in one go, since a batch is one transaction.
 */
export const MAXIMUM_REMOVED_ROWS = 2_048
/** Entries of a message with one receiver. It takes as many operations to remove it later. */
const FEW_ROWS = 2
