import { type Batch, indexOfState, type PendingMessage, type SessionEntry, slotOfState } from './batch.ts'
import type { KeySource } from './key-source.ts'
import {
  CHUNK_RECEIVERS,
  chunksOf,
  numberKey,
  stateRange,
  tables,
  writeMessage,
  writeMessageKey,
  writeNumberKey,
  writeReceiver,
  writeState,
  writeStateKey,
  writeText,
} from './layout.ts'
import type { MessageTable } from './message-table.ts'
import type { Operations } from './operations.ts'
import type { SourceTable } from './source-table.ts'
import { writeSession, writeSubscription } from './values.ts'

/** Keys of an ended session that are removed in one batch. The rest follows in later ones. */
const CLEANED_KEYS = 1_000

/**
 * Turns a batch into operations. Called when everything before it is committed.
 * @returns ended sessions that have keys left in the file.
 */
export const encodeBatch = (
  batch: Batch,
  { table, sources }: { readonly table: MessageTable; readonly sources: SourceTable },
  file: KeySource,
  to: Operations,
): number[] => {
  // Removals first, and those of them that free pages before all.
  for (const slot of batch.removed) if (!batch.moved.has(slot)) removeMessage(slot, table, file, to)
  to.endEarly()
  for (const slot of batch.moved) if (batch.removed.has(slot)) removeMessage(slot, table, file, to)
  const unclean = removeEnded(batch, file, to)
  for (const [session, record] of batch.sessions) {
    to.beginKey()
    writeNumberKey(to.writer, tables.sessions, session.number)
    to.beginValue()
    writeSession(to.writer, record)
    to.endPut()
  }
  for (const [session, filters] of batch.subscriptions) writeSubscriptions(session, filters, to)
  for (const [session, identifiers] of batch.received) writeReceived(session, identifiers, to)
  writeRetained(batch, sources, file, to)
  for (const pending of batch.messages) putMessage(pending, table, to)
  writeStates(batch, table, to)
  for (const slot of batch.removed) table.release(slot)
  return unclean
}

const writeRetained = (batch: Batch, sources: SourceTable, file: KeySource, to: Operations): void => {
  for (const [topic, retained] of batch.retained) {
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

const removeEnded = (batch: Batch, file: KeySource, to: Operations): number[] => {
  for (const { number } of batch.ended) {
    to.beginKey()
    writeNumberKey(to.writer, tables.sessions, number)
    to.endRemoval()
  }
  const unclean: number[] = []
  for (const number of batch.cleaned) {
    let count = 0
    for (const table of [tables.subscriptions, tables.received]) {
      const keys = file.keys(numberKey(table, number), numberKey(table, number + 1), CLEANED_KEYS - count)
      for (const key of keys) to.remove(key)
      count += keys.length
    }
    if (count === CLEANED_KEYS) unclean.push(number)
  }
  return unclean
}

const writeSubscriptions = (
  session: SessionEntry,
  filters: NonNullable<ReturnType<Batch['subscriptions']['get']>>,
  to: Operations,
): void => {
  for (const [filter, subscription] of filters) {
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

const writeReceived = (session: SessionEntry, identifiers: ReadonlyMap<number, boolean>, to: Operations): void => {
  for (const [packetIdentifier, isReceived] of identifiers) {
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
const putMessage = (pending: PendingMessage, table: MessageTable, to: Operations): void => {
  pending.handOver()
  const { slot, message } = pending
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

const writeStates = (batch: Batch, table: MessageTable, to: Operations): void => {
  for (const [state, change] of batch.states) {
    const slot = slotOfState(state)
    if (batch.removed.has(slot)) continue
    table.addState(slot)
    to.beginKey()
    writeStateKey(to.writer, table.idOf(slot), indexOfState(state))
    to.beginValue()
    writeState(to.writer, change)
    to.endPut()
  }
}

const removeMessage = (slot: number, table: MessageTable, file: KeySource, to: Operations): void => {
  const id = table.idOf(slot)
  const receivers = table.receiversOf(slot)
  for (let chunk = 0; chunk < chunksOf(receivers); chunk += 1) {
    to.beginKey()
    writeMessageKey(to.writer, id, chunk)
    to.endRemoval()
  }
  if (!table.hasStates(slot)) return
  if (receivers > 1) {
    const { start, end } = stateRange(id)
    for (const key of file.keys(start, end, receivers)) to.remove(key)
    return
  }
  to.beginKey()
  writeStateKey(to.writer, id, 0)
  to.endRemoval()
}
