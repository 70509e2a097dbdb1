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
  ({ index, ending }: Pick<StoreState, 'index' | 'ending'>): Step =>
  () => {
    const back: (() => void)[] = []
    const { table, sources } = index
    if (!(table instanceof MessageTable)) {
      back.push(renewed(table, new MessageTable(), (present: MessageTable) => (index.table = present)))
    }
    if (!(sources instanceof SourceTable)) {
      back.push(renewed(sources, new SourceTable(), (present: SourceTable) => (index.sources = present)))
    }
    for (const session of allOf(index, ending)) {
      const { queue, sentRows } = session
      if (!(queue instanceof QueueIndex)) {
        back.push(renewed(queue, new QueueIndex(), (present: QueueIndex) => (session.queue = present)))
      }
      if (sentRows !== undefined && !(sentRows instanceof SentRows)) {
        back.push(renewed(sentRows, new SentRows(), (present: SentRows) => (session.sentRows = present)))
      }
    }
    return () => {
      for (const each of back) each()
    }
  }

function* allOf(index: RestoredIndex, ending: readonly SessionEntry[]): Generator<SessionEntry> {
  yield* index.sessions.values()
  yield* ending
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
