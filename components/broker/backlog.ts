import type { QueuedMessage } from '../../src/kinds/store.ts'
import type { Journal } from './journal.ts'
import { Outgoing } from './outgoing.ts'

/** Messages read from the store at a time, and held in memory at most for a client that is connected. */
export const PAGE = 1_000

/**
 * The messages of one session that wait and are only in the store: those behind a sequence number. A page of them is taken as a whole or
 * not at all, so that a store that cannot be read at present changes nothing.
 */
export class Backlog {
  readonly #session: string
  readonly #journal: Pick<Journal, 'read'>
  #after = 0
  #count = 0
  #bytes = 0

  constructor(session: string, journal: Pick<Journal, 'read'>) {
    this.#session = session
    this.#journal = journal
  }

  /** Its messages are those behind this sequence number. */
  get after(): number {
    return this.#after
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** A message that is new in the store, behind all others. */
  push({ sequence, size }: Outgoing): void {
    if (this.#count === 0) this.#after = sequence - 1
    this.#count += 1
    this.#bytes += size
  }

  /** Messages that were in memory too, before all others. */
  unshift(first: Outgoing, count: number, bytes: number): void {
    this.#after = first.sequence - 1
    this.#count += count
    this.#bytes += bytes
  }

  /** Sets what there is, after a restart, at a reset and when there is nothing any more. */
  restore(count: number, bytes: number, after = this.#after): void {
    this.#after = after
    this.#count = count
    this.#bytes = bytes
  }

  /** One of them leaves the store. */
  remove(size: number): void {
    this.#count -= 1
    this.#bytes -= size
  }

  /** Those behind a sequence number, which stay. @throws UnreadableStore. */
  read(afterSequence: number, limit: number): readonly QueuedMessage[] {
    return this.#journal.read(this.#session, Math.max(afterSequence, this.#after), limit)
  }

  /**
   * Takes out the first ones. @returns none when the store has none, whatever is counted: what cannot be read at all is left out.
   * @throws UnreadableStore. Nothing has changed then.
   */
  take(limit: number): Outgoing[] {
    const page = this.read(0, limit).map((queued) => Outgoing.restored(queued))
    for (const { sequence, size } of page) {
      this.#after = sequence
      this.remove(size)
    }
    return page
  }

  /** All of them, which stay. @throws UnreadableStore. */
  *[Symbol.iterator](): Generator<Outgoing> {
    if (this.#count === 0) return
    let page = this.read(0, PAGE)
    while (page.length > 0) {
      for (const queued of page) yield Outgoing.restored(queued)
      page = this.read(page.at(-1)!.sequence, PAGE)
    }
  }
}
