import { type Batch, type SessionEntry, stateNumber } from './batch.ts'
import type { RestoredIndex } from './restore.ts'

/** Ends one place of a queue. */
export type EndPlace = (session: SessionEntry, sequence: number, batch: Batch) => void

/**
 * Messages that are owed to no session leave the file. Each batch takes a bounded number of removals, since it is handed to LMDB in
 * one go: the rest follows in later batches. Until then, entries in the file say that their receivers are done.
 */
export class Removals {
  readonly #index: RestoredIndex
  readonly #endPlace: EndPlace
  /** Ended sessions whose messages are removed, some in each turn. */
  readonly #ending: SessionEntry[]

  /** @param ending of the predecessor, at a reset. */
  constructor(index: RestoredIndex, endPlace: EndPlace, ending: SessionEntry[] = []) {
    this.#index = index
    this.#endPlace = endPlace
    this.#ending = ending
  }

  /** For a successor. Changes nothing. */
  handOver(): SessionEntry[] {
    return this.#ending
  }

  /** Something is left over for a later batch. */
  get areLeft(): boolean {
    const { unowed, leftovers, staleSent } = this.#index
    return unowed.length + leftovers.length + staleSent.length + this.#ending.length > 0
  }

  /** A session has ended: its messages leave their queue in the turns that follow. */
  end(session: SessionEntry): void {
    if (session.queue.count > 0) this.#ending.push(session)
  }

  /** A receiver of a message that is in the file, or on its way there, is done. */
  settle(slot: number, index: number, isShared: boolean, batch: Batch): void {
    const { table, unowed } = this.#index
    if (isShared) batch.moved.add(slot)
    const isOwed = table.settle(slot) > 0
    if (!isOwed && batch.removeSettled(slot, table.rowsOf(slot))) return
    batch.done.add(stateNumber(slot, index))
    if (!isOwed) unowed.push(slot)
  }

  /** Removes some of what is left over. @returns whether the batch takes more of it in the next turn. */
  endTurn(open: Batch): boolean {
    const { leftovers, staleSent } = this.#index
    this.#removeUnowed(open)
    for (const number of leftovers.splice(-CLEANED_SESSIONS)) open.cleaned.push(number)
    for (const [session, sequence] of staleSent.splice(-REMOVED_MESSAGES)) open.setSent(session, sequence, undefined)
    if (open.removed.size + open.cleaned.length + open.sent.size > 0) open.isOpened = true
    this.#removeEnded(open)
    return this.areLeft && !open.isFullOfLeft
  }

  #removeUnowed(open: Batch): void {
    const { unowed, table } = this.#index
    for (let left = REMOVED_MESSAGES; left > 0 && unowed.length > 0 && !open.isFullOfLeft; left -= 1) {
      const slot = unowed.pop()!
      open.removeLeft(slot, table.rowsOf(slot))
    }
  }

  #removeEnded(open: Batch): void {
    let left = REMOVED_MESSAGES
    while (left > 0 && this.#ending.length > 0 && !open.isFullOfLeft) {
      const session = this.#ending.at(-1)!
      const { queue } = session
      for (let at = queue.findAfter(0); at !== -1 && left > 0 && !open.isFullOfLeft; at = queue.findAfter(0)) {
        // They may have moved to other queues, so none of them leaves the file before the rest of the batch is written.
        open.moved.add(queue.slotAt(at))
        this.#endPlace(session, queue.sequenceAt(at), open)
        open.countLeft(1)
        left -= 1
      }
      if (queue.count === 0) this.#ending.pop()
      open.isOpened = true
    }
  }
}

/** Messages that are removed in a turn. */
const REMOVED_MESSAGES = 1_000
/** Ended sessions of an earlier process whose subscriptions are removed in a turn. */
const CLEANED_SESSIONS = 100
