import { setImmediate as nextTurn } from 'node:timers/promises'
import { RESTORE_PAGE, type SessionRecord, type StoredRetained, type StoredSession } from '../../src/kinds/store.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PackedMessage } from '../../src/mqtt/packed-message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import type { SessionEntry } from './batch.ts'
import { ByteReader } from './byte-writer.ts'
import type { Row, StoreFile } from './environment.ts'
import { numberKey, readMessage, readPackedMessage, readSourceNumber, tables } from './layout.ts'
import { MessageLoader } from './message-loader.ts'
import { MessageTable } from './message-table.ts'
import { NumberedSessions } from './numbered-sessions.ts'
import { QueueIndex } from './queue-index.ts'
import type { RowVisitor } from './row-scanner.ts'
import { readSentRow, type SentEntry, SentRows } from './sent-rows.ts'
import { SourceTable } from './source-table.ts'
import { unreadable } from './unreadable.ts'
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
  mostPlaces?: number,
): Promise<RestoredIndex> => {
  const sessions = new Map<string, SessionEntry>()
  const byNumber = new NumberedSessions()
  let highest = 0
  const takeSession = reading((key, value) => {
    const number = key.readUInt32BE(1)
    const id = readSessionId(value)
    const entry = { id, number, queue: new QueueIndex(), since: 0 }
    sessions.set(id, entry)
    byNumber.add(entry)
    highest = number
  })
  for await (const _ of scans(file, tables.sessions, takeSession)) {
    report({ sessions: sessions.size, messages: 0 })
  }
  const messages = new MessageLoader(byNumber, mostPlaces)
  const take = reading((key, value) => messages.take(key, value))
  for await (const _ of scans(file, tables.messages, take)) {
    report({ sessions: sessions.size, messages: messages.table.count })
    if (messages.isFull) await messages.flush()
  }
  await messages.end()
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
        if (byNumber.find(number) === -1) leftovers.add(number)
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
    const takeSubscription = reading((key, value) => addTo(subscriptions, key, readSubscription(value)))
    for await (const _ of scans(file, tables.subscriptions, takeSubscription, first, last + 1));
    const takeReceived = reading((key) => addTo(received, key, key.readUInt16BE(5)))
    for await (const _ of scans(file, tables.received, takeReceived, first, last + 1));
    const page: StoredSession[] = []
    const byNumber = new Map(entries.map((entry) => [entry.number, entry]))
    const takeSession = reading((key, value) => {
      const number = key.readUInt32BE(1)
      const entry = byNumber.get(number)
      if (entry === undefined) return
      const { id, queue } = entry
      page.push(
        storedSession(id, readSession(value), {
          subscriptions: subscriptions.get(number) ?? NONE,
          received: received.get(number) ?? NONE,
          queue: { count: queue.count, bytes: bytesOf(queue, index.table), lastSequence: queue.lastSequence },
        }),
      )
    })
    for await (const _ of scans(file, tables.sessions, takeSession, first, last + 1));
    if (page.length > 0) yield page
  }
}

/** One literal: a spread or `Object.assign` costs several times as much, and makes an object of a kilobyte. */
const storedSession = (
  id: string,
  record: SessionRecord,
  { subscriptions, received, queue }: Omit<StoredSession, keyof SessionRecord>,
): StoredSession =>
  ({
    // The same string as in the index, not another one of each record.
    id,
    userName: record.userName,
    claimedUserName: record.claimedUserName,
    attributes: record.attributes,
    peer: record.peer,
    expiryIntervalSeconds: record.expiryIntervalSeconds,
    disconnectedAtMs: record.disconnectedAtMs,
    will: record.will,
    subscriptions,
    received,
    queue,
  }) satisfies Record<keyof StoredSession, unknown>

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
    const stored = readPackedMessage(reader) ?? readFromStart(reader)
    const change = changed.size === 0 ? undefined : changed.get(stored.topic)
    const retained = change === undefined ? withSource(stored, reader, sources) : change.retained
    if (retained !== undefined) page.push(retained)
  })
  for await (const _ of scans(file, tables.retained, take)) {
    if (page.length > 0) yield page
    page = []
  }
}

const readFromStart = (reader: ByteReader): Message => {
  reader.restart(reader.bytes)
  return readMessage(reader)
}

/** @param reader of the message. */
const withSource = (message: PackedMessage | Message, reader: ByteReader, sources: SourceTable): StoredRetained => {
  if (message instanceof PackedMessage) return message
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

const bytesOf = (queue: QueueIndex, table: MessageTable): number => {
  let bytes = 0
  for (let at = queue.findAfter(0); at !== -1; at = queue.next(at)) bytes += table.sizeOf(queue.slotAt(at))
  return bytes
}

/** Adds to the list of a session. Most have one entry. */
const addTo = <T>(lists: Map<number, T[]>, key: Buffer, entry: T): void => {
  const number = key.readUInt32BE(1)
  const list = lists.get(number)
  if (list === undefined) lists.set(number, [entry])
  else list.push(entry)
}

const MAXIMUM_NUMBER = 0xffff_ffff
/** Bytes of values that are read in a turn. */
const SLICE_BYTES = 1024 ** 2
const KEYS_IN_A_TURN = 1_000
const ZERO = Buffer.from([0])
const NONE: readonly never[] = []
