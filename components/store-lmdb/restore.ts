import { setImmediate as nextTurn } from 'node:timers/promises'
import { RESTORE_PAGE, type StoredRetained, type StoredSession } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import type { SessionEntry } from './batch.ts'
import { ByteReader } from './byte-writer.ts'
import type { Row, StoreFile } from './environment.ts'
import {
  numberKey,
  ReceiverColumns,
  type ReceiverState,
  readMessage,
  readMessageKey,
  readMessageSize,
  readSourceNumber,
  readState,
  tables,
} from './layout.ts'
import { MessageTable } from './message-table.ts'
import { QueueIndex } from './queue-index.ts'
import type { RowVisitor } from './row-scanner.ts'
import { readSentRow, type SentEntry, SentRows } from './sent-rows.ts'
import { SourceTable } from './source-table.ts'
import { readSession, readSessionId, readSubscription } from './values.ts'

/** What is in memory of a file: the sessions, and where their messages are. */
export interface RestoredIndex {
  /** By Client Identifier, in the order of their numbers at the start. */
  readonly sessions: Map<string, SessionEntry>
  table: MessageTable
  /** Publishers of retained messages. */
  sources: SourceTable
  nextNumber: number
  nextId: number
  /** Slots of messages that are owed to no session: what an end of the process has left over. */
  readonly unowed: number[]
  /** Numbers of sessions that are no more and have subscriptions or Packet Identifiers in the file. */
  readonly leftovers: number[]
  /** What was sent of messages that are no more: what a full disk has left over. */
  readonly staleSent: (readonly [session: SessionEntry, sequence: number])[]
}

/** Of a store that continues with the index of a predecessor. */
export const emptyIndex = (): RestoredIndex => ({
  ...{ sessions: new Map(), table: new MessageTable(), sources: new SourceTable() },
  ...{ nextNumber: 1, nextId: 1, unowed: [], staleSent: [], leftovers: [] },
})

/** What was read so far, for a line of the log. */
export interface LoadProgress {
  readonly sessions: number
  readonly messages: number
}

/**
 * Reads the index of a file, some entries in each turn of the event loop.
 * @param report is called between turns.
 * @throws an Error that names the entry that cannot be read.
 */
export const loadIndex = async (
  file: StoreFile,
  report: (progress: LoadProgress) => void = () => undefined,
): Promise<RestoredIndex> => {
  const sessions = new Map<string, SessionEntry>()
  const byNumber = new Map<number, SessionEntry>()
  let highest = 0
  const takeSession = reading((key, value) => {
    const number = key.readUInt32BE(1)
    const id = readSessionId(value)
    const entry = { id, number, queue: new QueueIndex(), since: 0 }
    sessions.set(id, entry)
    byNumber.set(number, entry)
    highest = number
  })
  for await (const _ of scans(file, tables.sessions, takeSession)) {
    report({ sessions: sessions.size, messages: 0 })
  }
  const messages = new MessageLoader(byNumber)
  const take = reading((key, value) => messages.take(key, value))
  for await (const _ of scans(file, tables.messages, take)) {
    report({ sessions: sessions.size, messages: messages.table.count })
  }
  messages.end()
  const staleSent: RestoredIndex['staleSent'] = []
  const takeSent = (value: Buffer, key: Buffer): void => {
    for (const entry of readSentRow(key, value)) takeSentEntry(byNumber.get(entry.session), entry, staleSent)
  }
  for await (const rows of slices(file, tables.sent)) for (const row of rows) readRow(row, takeSent)
  const sources = new SourceTable()
  for await (const rows of slices(file, tables.sources)) {
    for (const row of rows) readRow(row, (value, key) => sources.load(key, value))
  }
  const leftovers = new Set<number>()
  for (const table of [tables.subscriptions, tables.received, tables.sent]) {
    // Only the numbers are of interest: behind each page, the scan goes on at the next number.
    for (let start = numberKey(table, 0); ; ) {
      const keys = file.keys(start, Buffer.from([table + 1]), KEYS_IN_A_TURN)
      for (const key of keys) {
        const number = key.readUInt32BE(1)
        if (!byNumber.has(number)) leftovers.add(number)
        highest = Math.max(highest, number)
      }
      if (keys.length < KEYS_IN_A_TURN || highestNumber(keys) === MAXIMUM_NUMBER) break
      start = numberKey(table, highestNumber(keys) + 1)
      await nextTurn()
    }
  }
  return {
    sessions,
    table: messages.table,
    sources,
    nextNumber: Math.max(highest, messages.highestSession) + 1,
    nextId: messages.highestId + 1,
    unowed: messages.unowed,
    leftovers: [...leftovers],
    staleSent,
  }
}

const highestNumber = (keys: readonly Buffer[]): number => keys.at(-1)!.readUInt32BE(1)

/** Takes what was sent of a message since it was written. The messages are in the queues. */
const takeSentEntry = (
  session: SessionEntry | undefined,
  { sequence, packetIdentifier, pubrecOrder }: SentEntry,
  stale: RestoredIndex['staleSent'],
): void => {
  if (session === undefined) return
  if (session.queue.find(sequence) === -1) {
    // The number must not be given to another message while it is in the file.
    session.queue.passed(sequence)
    stale.push([session, sequence])
    return
  }
  const sent = { packetIdentifier, pubrecOrder, isInRow: true }
  session.queue.setSent(sequence, sent)
  session.sentRows ??= new SentRows()
  session.sentRows.change([[sequence, sent]])
}

/** Puts the messages of the file into the queues of the sessions. Their rows come in the order of the keys. */
class MessageLoader {
  readonly table = new MessageTable()
  readonly unowed: number[] = []
  highestId = 0
  highestSession = 0
  readonly #sessions: ReadonlyMap<number, SessionEntry>
  #slot = -1
  /** Of the message that is read now. */
  readonly #receivers = new ReceiverColumns()
  readonly #reader = new ByteReader(Buffer.alloc(0))
  readonly #states = new Map<number, ReceiverState>()

  constructor(sessions: ReadonlyMap<number, SessionEntry>) {
    this.#sessions = sessions
  }

  take(key: Buffer, value: Buffer): void {
    const { id, chunk, index } = readMessageKey(key)
    const reader = this.#reader
    reader.restart(value)
    if (chunk === 0) {
      this.end()
      this.#receivers.read(reader)
      this.#slot = this.table.take(id, readMessageSize(reader))
      this.highestId = id
      return
    }
    if (id !== this.highestId || this.#slot === -1) throw new Error('the message that it belongs to is not there')
    if (chunk > 0) this.#receivers.read(reader)
    else this.#states.set(index, readState(value))
  }

  /** The message that was read last has no more rows. */
  end(): void {
    if (this.#slot === -1) return
    const slot = this.#slot
    const receivers = this.#receivers
    for (let index = 0; index < receivers.count; index += 1) this.#add(slot, index)
    this.table.setReceivers(slot, receivers.count)
    if (this.#states.size > 0) this.table.addState(slot)
    if (this.table.liveOf(slot) === 0) this.unowed.push(slot)
    receivers.clear()
    if (this.#states.size > 0) this.#states.clear()
    this.#slot = -1
  }

  #add(slot: number, index: number): void {
    const { sessions, sequences, areShared, packetIdentifiers, pubrecOrders } = this.#receivers
    const number = sessions[index]!
    const sequence = sequences[index]!
    this.highestSession = Math.max(this.highestSession, number)
    const state = this.#states.size === 0 ? undefined : this.#states.get(index)
    const session = this.#sessions.get(number)
    if (session === undefined || state?.isDone === true) return
    if (sequence <= session.queue.lastSequence && session.queue.find(sequence) !== -1)
      throw new Error(`${session.id} has two messages with the number ${sequence}`)
    const packetIdentifier = state?.packetIdentifier ?? packetIdentifiers[index]!
    const pubrecOrder = state?.pubrecOrder ?? pubrecOrders[index]!
    this.table.owe(slot)
    session.queue.add(sequence, slot, index, areShared[index]!)
    if (packetIdentifier !== 0 || pubrecOrder !== 0)
      session.queue.setSent(sequence, { packetIdentifier, pubrecOrder, isInRow: false })
  }
}

/** The sessions of a file, page by page. */
export async function* restoredSessions(
  file: StoreFile,
  index: RestoredIndex,
): AsyncGenerator<readonly StoredSession[], void> {
  let isFirst = true
  const sessions = [...index.sessions.values()]
  for (let start = 0; start < sessions.length; start += RESTORE_PAGE) {
    if (!isFirst) await nextTurn()
    isFirst = false
    const entries = sessions.slice(start, start + RESTORE_PAGE)
    const first = entries[0]!.number
    const last = entries.at(-1)!.number
    const subscriptions = new Map<number, Subscription[]>()
    const received = new Map<number, number[]>()
    const takeSubscription = reading((key, value) => listOf(subscriptions, key).push(readSubscription(value)))
    for await (const _ of scans(file, tables.subscriptions, takeSubscription, first, last + 1));
    const takeReceived = reading((key) => listOf(received, key).push(key.readUInt16BE(5)))
    for await (const _ of scans(file, tables.received, takeReceived, first, last + 1));
    const page: StoredSession[] = []
    const queues = new Map(entries.map(({ number, queue }) => [number, queue]))
    const takeSession = reading((key, value) => {
      const number = key.readUInt32BE(1)
      const queue = queues.get(number)
      if (queue === undefined) return
      const rest = {
        subscriptions: subscriptions.get(number) ?? [],
        received: received.get(number) ?? [],
        queue: { count: queue.count, bytes: bytesOf(queue, index.table), lastSequence: queue.lastSequence },
      }
      // The record was made for this page. A spread costs several times as much.
      page.push(Object.assign(readSession(value), rest))
    })
    for await (const _ of scans(file, tables.sessions, takeSession, first, last + 1));
    if (page.length > 0) yield page
  }
}

/**
 * The retained messages of a file, page by page.
 * @param changed by topic, what is not committed yet: its message, or none if it was removed.
 */
export async function* restoredRetained(
  file: StoreFile,
  { sources }: RestoredIndex,
  changed: ReadonlyMap<string, { readonly retained: StoredRetained | undefined }>,
): AsyncGenerator<readonly StoredRetained[], void> {
  const reader = new ByteReader(Buffer.alloc(0))
  let page: StoredRetained[] = []
  const take = reading((_key, value) => {
    reader.restart(value)
    const message = readMessage(reader)
    const change = changed.size === 0 ? undefined : changed.get(message.decodeTopic())
    const retained = change === undefined ? withSource(message, reader, sources) : change.retained
    if (retained !== undefined) page.push(retained)
  })
  for await (const _ of scans(file, tables.retained, take)) {
    if (page.length > 0) yield page
    page = []
  }
}

/** @param reader of the message. */
const withSource = (message: Message, reader: ByteReader, sources: SourceTable): StoredRetained => {
  reader.restart(reader.bytes)
  const number = readSourceNumber(reader)
  return number === 0 ? { message } : { message, source: sources.sourceOf(number) }
}

/** The entries of a table, some in each turn of the event loop. No cursor outlives a turn. */
export async function* slices(file: StoreFile, table: number): AsyncGenerator<readonly Row[], void> {
  const behind = endOf(table)
  let start = startOf(table)
  for (;;) {
    const rows = file.rows(start, behind, RESTORE_PAGE, SLICE_BYTES)
    if (rows.length === 0) return
    yield rows
    start = Buffer.concat([rows.at(-1)!.key, ZERO])
    await nextTurn()
  }
}

/** Lends the entries of a table to a function, some in each turn of the event loop. Yields after each of these slices. */
async function* scans(
  file: StoreFile,
  table: number,
  visit: RowVisitor,
  first = 0,
  end?: number,
): AsyncGenerator<undefined, void> {
  const behind = endOf(table, end)
  let start = startOf(table, first)
  for (;;) {
    const last = file.scan(start, behind, RESTORE_PAGE, SLICE_BYTES, visit)
    yield
    if (last === undefined) return
    start = Buffer.concat([last, ZERO])
    await file.releasePages()
    await nextTurn()
  }
}

/** The key with which the entries of a table begin, or those of its numbers from one on. */
const startOf = (table: number, first = 0): Buffer => (first === 0 ? Buffer.from([table]) : numberKey(table, first))

const endOf = (table: number, end?: number): Buffer =>
  end === undefined || end > MAXIMUM_NUMBER ? Buffer.from([table + 1]) : numberKey(table, end)

/** A visitor whose errors name the entry and the reason. */
const reading =
  (visit: RowVisitor): RowVisitor =>
  (key, value) => {
    try {
      visit(key, value)
    } catch (cause) {
      throw unreadable(key, cause)
    }
  }

/** Reads a row. @throws an Error that names the row and the reason. */
export const readRow = <T>(row: Row, read: (value: Buffer, key: Buffer) => T): T => {
  try {
    return read(row.value, row.key)
  } catch (cause) {
    throw unreadable(row.key, cause)
  }
}

const unreadable = (key: Buffer, cause: unknown): Error =>
  new Error(`the entry ${key.toString('hex')} cannot be read: ${reasonOf(cause)}`, { cause })

const reasonOf = (error: unknown): string => (error as Error).message.split('\n')[0]!

const bytesOf = (queue: QueueIndex, table: MessageTable): number => {
  let bytes = 0
  for (let at = queue.findAfter(0); at !== -1; at = queue.next(at)) bytes += table.sizeOf(queue.slotAt(at))
  return bytes
}

const listOf = <T>(lists: Map<number, T[]>, key: Buffer): T[] => {
  const number = key.readUInt32BE(1)
  let list = lists.get(number)
  if (list === undefined) {
    list = []
    lists.set(number, list)
  }
  return list
}

const MAXIMUM_NUMBER = 0xffff_ffff
/** Bytes of values that are read in a turn. */
const SLICE_BYTES = 1024 ** 2
const KEYS_IN_A_TURN = 1_000
const ZERO = Buffer.from([0])
