import type { Step } from '../../src/collections/change.ts'
import type { StoredRetained } from '../../src/kinds/store.ts'
import type { Batch, PendingMessage, SessionEntry } from './batch.ts'
import type { LineState } from './batch-line.ts'
import { MessageTable } from './message-table.ts'
import { QueueIndex } from './queue-index.ts'
import type { RestoredIndex } from './restore.ts'
import { SentRows } from './sent-rows.ts'
import { SourceTable } from './source-table.ts'

/** A retained message, or its removal, that is not committed. */
export interface PendingRetained {
  readonly retained: StoredRetained | undefined
  readonly batch: Batch
}

/** What a store hands over to its successor at a reset. All of it goes by reference. */
export interface StoreState {
  readonly index: RestoredIndex
  readonly pending: Map<number, PendingMessage>
  readonly pendingRetained: Map<string, PendingRetained>
  /** Ended sessions whose messages are being removed. */
  readonly ending: SessionEntry[]
  readonly damaged: number
  readonly line: LineState
}

/**
 * Puts objects of this generation of the code in the place of those in the index whose class was edited. The rest stays as it is. Nothing
 * may be encoded at present.
 */
export const renewIndex =
  (state: Pick<StoreState, 'index' | 'ending' | 'line'>): Step =>
  () => {
    const back: (() => void)[] = []
    const undo = (): void => {
      for (const each of back) each()
    }
    try {
      for (const each of renewals(state)) back.push(each)
    } catch (error) {
      undo()
      throw error
    }
    return undo
  }

/** Renews one object after the other. Each element undoes one. */
function* renewals(state: Pick<StoreState, 'index' | 'ending' | 'line'>): Generator<() => void> {
  const { index } = state
  const { table, sources } = index
  if (!(table instanceof MessageTable)) {
    yield renewed(table, new MessageTable(), (present: MessageTable) => (index.table = present))
  }
  if (!(sources instanceof SourceTable)) {
    yield renewed(sources, new SourceTable(), (present: SourceTable) => (index.sources = present))
  }
  for (const session of allOf(state)) {
    const { queue, sentRows } = session
    if (!(queue instanceof QueueIndex)) {
      yield renewed(queue, new QueueIndex(), (present: QueueIndex) => (session.queue = present))
    }
    if (sentRows !== undefined && !(sentRows instanceof SentRows)) {
      yield renewed(sentRows, new SentRows(), (present: SentRows) => (session.sentRows = present))
    }
  }
}

/** Some of them more than once. */
function* allOf({ index, ending, line }: Pick<StoreState, 'index' | 'ending' | 'line'>): Generator<SessionEntry> {
  yield* index.sessions.values()
  yield* ending
  // Sessions that have ended may be in batches that are not encoded yet, and in what these will remove.
  for (const { sent, messages } of [...line.line, line.open]) {
    yield* sent.keys()
    for (const { sessions } of messages) for (const session of sessions) if (session !== undefined) yield session
  }
  for (const [session] of index.staleSent) yield session
}

interface Renewable<S> {
  handOver(): S
  takeOver(state: S): void
}

/** @returns puts the one before back, with what the other one has by then. */
const renewed = <S, T extends Renewable<S>>(before: T, successor: T, put: (present: T) => unknown): (() => void) => {
  successor.takeOver(before.handOver())
  put(successor)
  return () => {
    before.takeOver(successor.handOver())
    put(before)
  }
}
