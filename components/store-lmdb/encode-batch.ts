import { type Batch, indexOfState, type PendingMessage, type SessionEntry, slotOfState } from './batch.ts'
import type { KeySource } from './key-source.ts'
import {
  CHUNK_RECEIVERS,
  chunksOf,
  numberKey,
  type ReceiverState,
  stateRange,
  tables,
  writeMessage,
  writeMessageKey,
  writeNumberKey,
  writeReceiver,
  writeSentKey,
  writeState,
  writeStateKey,
  writeText,
} from './layout.ts'
import type { MessageTable } from './message-table.ts'
import type { Operations } from './operations.ts'
import type { SentMessage } from './queue-index.ts'
import { ROW_MESSAGES, SentRows } from './sent-rows.ts'
import type { SourceTable } from './source-table.ts'
import type { TurnWork } from './turn-work.ts'
import { writeSession, writeSubscription } from './values.ts'

/** Keys of an ended session that are removed in one batch, and of all of them. The rest follows in later batches. */
const CLEANED_KEYS = 1_000
const CLEANED_KEYS_IN_BATCH = 2_000

/** Where the content of batches is known. */
export interface EncodedState {
  readonly table: MessageTable
  readonly sources: SourceTable
}

/** Steps of one encoding. Between two of them, a turn of the event loop may pass. */
type Steps<T = void> = Generator<undefined, T>

/**
 * Turns a batch into operations. Begins when everything before it is committed. It stops after an entry when the work of the
 * turn is used up, and goes on in the next turn. No record enters the batch meanwhile; those of a batch behind it may settle
 * messages of this one that are not written yet.
 * @returns ended sessions that have keys left in the file.
 */
export function* encodeBatch(
  batch: Batch,
  { table, sources }: EncodedState,
  file: KeySource,
  to: Operations,
  work: TurnWork,
): Steps<number[]> {
  // Removals first, and those of them that free pages before all.
  for (const slot of batch.removed) {
    if (batch.moved.has(slot)) continue
    if (work.isOver) yield
    removeMessage(slot, table, file, to, work)
  }
  to.endEarly()
  for (const slot of batch.moved) {
    if (!batch.removed.has(slot)) continue
    if (work.isOver) yield
    removeMessage(slot, table, file, to, work)
  }
  const unclean = yield* removeEnded(batch, file, to, work)
  for (const [session, record] of batch.sessions) {
    if (work.isOver) yield
    to.beginKey()
    writeNumberKey(to.writer, tables.sessions, session.number)
    to.beginValue()
    writeSession(to.writer, record)
    to.endPut()
    work.spend(PACKED_UNITS)
  }
  for (const [session, filters] of batch.subscriptions) yield* writeSubscriptions(session, filters, to, work)
  for (const [session, identifiers] of batch.received) yield* writeReceived(session, identifiers, to, work)
  yield* writeRetained(batch, sources, file, to, work)
  for (const pending of batch.messages) {
    if (work.isOver) yield
    putMessage(pending, table, to, work)
  }
  yield* writeDone(batch, table, to, work)
  for (const [session, changes] of batch.sent) yield* writeSent(session, changes, to, work)
  for (const slot of batch.removed) table.release(slot)
  // They are handed to LMDB in one go.
  work.spend(to.count * OPERATION_UNITS)
  if (work.isOver) yield
  return unclean
}

function* writeRetained(batch: Batch, sources: SourceTable, file: KeySource, to: Operations, work: TurnWork): Steps {
  for (const [topic, retained] of batch.retained) {
    if (work.isOver) yield
    work.spend(PACKED_UNITS + unitsOf(retained?.message.size ?? 0))
    const start = to.writer.position
    to.beginKey()
    to.writer.u8(tables.retained)
    writeText(to.writer, topic)
    const key = Buffer.from(to.writer.bytes.subarray(start, to.writer.position))
    const source = sources.replace(file, key, retained?.source)
    if (retained === undefined) {
      to.endRemoval()
      continue
    }
    to.beginValue()
    writeMessage(to.writer, retained.message, source)
    to.endPut()
  }
  sources.write(to)
}

function* removeEnded(batch: Batch, file: KeySource, to: Operations, work: TurnWork): Steps<number[]> {
  for (const { number } of batch.ended) {
    if (work.isOver) yield
    work.spend(ENTRY_UNITS)
    to.beginKey()
    writeNumberKey(to.writer, tables.sessions, number)
    to.endRemoval()
  }
  const unclean: number[] = []
  let all = 0
  for (const number of batch.cleaned) {
    if (work.isOver) yield
    if (all >= CLEANED_KEYS_IN_BATCH) {
      unclean.push(number)
      continue
    }
    let count = 0
    for (const table of [tables.subscriptions, tables.received, tables.sent]) {
      const keys = file.keys(numberKey(table, number), numberKey(table, number + 1), CLEANED_KEYS - count)
      for (const key of keys) to.remove(key)
      count += keys.length
    }
    if (count === CLEANED_KEYS) unclean.push(number)
    all += count
    work.spend(2 * SCAN_UNITS + count * SCANNED_KEY_UNITS)
  }
  return unclean
}

function* writeSubscriptions(
  session: SessionEntry,
  filters: NonNullable<ReturnType<Batch['subscriptions']['get']>>,
  to: Operations,
  work: TurnWork,
): Steps {
  for (const [filter, subscription] of filters) {
    if (work.isOver) yield
    work.spend(PACKED_UNITS)
    to.beginKey()
    writeNumberKey(to.writer, tables.subscriptions, session.number)
    writeText(to.writer, filter)
    if (subscription === undefined) {
      to.endRemoval()
      continue
    }
    to.beginValue()
    writeSubscription(to.writer, subscription)
    to.endPut()
  }
}

function* writeReceived(
  session: SessionEntry,
  identifiers: ReadonlyMap<number, boolean>,
  to: Operations,
  work: TurnWork,
): Steps {
  for (const [packetIdentifier, isReceived] of identifiers) {
    if (work.isOver) yield
    work.spend(ENTRY_UNITS)
    to.beginKey()
    writeNumberKey(to.writer, tables.received, session.number)
    to.writer.u16(packetIdentifier)
    if (!isReceived) {
      to.endRemoval()
      continue
    }
    to.beginValue()
    to.writer.u8(1)
    to.endPut()
  }
}

/** Writes a message for the receivers that are owed it now, if there are any. */
const putMessage = (pending: PendingMessage, table: MessageTable, to: Operations, work: TurnWork): void => {
  const { slot, message } = pending
  work.spend(ENTRY_UNITS + pending.sessions.length * RECEIVER_UNITS + unitsOf(message.size))
  pending.handOver()
  const receivers = pending.sessions.length
  table.setReceivers(slot, receivers)
  if (receivers === 0) {
    table.release(slot)
    return
  }
  const id = table.idOf(slot)
  for (let start = 0; start < receivers; start += CHUNK_RECEIVERS) {
    to.beginKey()
    writeMessageKey(to.writer, id, start / CHUNK_RECEIVERS)
    to.beginValue()
    writeChunk(pending, start, to)
    if (start === 0) writeMessage(to.writer, message)
    to.endPut()
  }
}

const writeChunk = ({ sessions, queued }: PendingMessage, start: number, to: Operations): void => {
  const end = Math.min(start + CHUNK_RECEIVERS, sessions.length)
  to.writer.u8(end - start)
  for (let index = start; index < end; index += 1) {
    const { number, queue } = sessions[index]!
    const record = queued[index]!
    const sent = queue.sent(record.sequence)
    writeReceiver(to.writer, number, record, sent?.packetIdentifier ?? 0, sent?.pubrecOrder ?? 0)
  }
}

function* writeDone(batch: Batch, table: MessageTable, to: Operations, work: TurnWork): Steps {
  for (const state of batch.done) {
    if (work.isOver) yield
    work.spend(ENTRY_UNITS)
    const slot = slotOfState(state)
    if (batch.removed.has(slot)) continue
    table.addState(slot)
    to.beginKey()
    writeStateKey(to.writer, table.idOf(slot), indexOfState(state))
    to.beginValue()
    writeState(to.writer, DONE)
    to.endPut()
  }
}

function* writeSent(
  session: SessionEntry,
  changes: ReadonlyMap<number, SentMessage | undefined>,
  to: Operations,
  work: TurnWork,
): Steps {
  session.sentRows ??= new SentRows()
  const rows = session.sentRows
  work.spend(changes.size)
  for (const row of rows.change(changes)) {
    if (work.isOver) yield
    work.spend(ENTRY_UNITS + ROW_MESSAGES / MESSAGES_PER_UNIT)
    to.beginKey()
    writeSentKey(to.writer, session.number, row)
    if (!rows.has(row)) {
      to.endRemoval()
      continue
    }
    to.beginValue()
    rows.write(row, to.writer)
    to.endPut()
  }
  if (rows.isEmpty) session.sentRows = undefined
}

const removeMessage = (slot: number, table: MessageTable, file: KeySource, to: Operations, work: TurnWork): void => {
  const id = table.idOf(slot)
  const receivers = table.receiversOf(slot)
  work.spend(ENTRY_UNITS * chunksOf(receivers))
  for (let chunk = 0; chunk < chunksOf(receivers); chunk += 1) {
    to.beginKey()
    writeMessageKey(to.writer, id, chunk)
    to.endRemoval()
  }
  if (!table.hasStates(slot)) return
  if (receivers > 1) {
    const { start, end } = stateRange(id)
    const keys = file.keys(start, end, receivers)
    for (const key of keys) to.remove(key)
    work.spend(SCAN_UNITS + keys.length * SCANNED_KEY_UNITS)
    return
  }
  to.beginKey()
  writeStateKey(to.writer, id, 0)
  to.endRemoval()
}

/** To hand an operation to LMDB. */
const OPERATION_UNITS = 5
/** An entry in the binary form of our own. */
const ENTRY_UNITS = 3
/** One of the sessions that a message is owed to. */
const RECEIVER_UNITS = 2
/** An entry in msgpack, or one whose publisher is looked up in the file. */
const PACKED_UNITS = 15
/** The begin of a scan of keys in the file. */
const SCAN_UNITS = 50
const SCANNED_KEY_UNITS = 10
/** Bytes that are copied for one unit. */
const BYTES_PER_UNIT = 1_024
/** Messages of a row that are looked at for one unit. */
const MESSAGES_PER_UNIT = 8

const DONE: ReceiverState = { isDone: true, packetIdentifier: 0, pubrecOrder: 0 }

const unitsOf = (bytes: number): number => Math.floor(bytes / BYTES_PER_UNIT)
