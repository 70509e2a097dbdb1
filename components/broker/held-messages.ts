import { Fifo } from '../../src/collections/fifo.ts'
import type { Outgoing } from './outgoing.ts'

/**
 * Messages in flight at QoS 2 that are sent once the store has them. The client remembers their Packet Identifiers until PUBREL: if
 * the broker lost one in a crash, it would reuse it for another message, which the client would drop as a duplicate.
 */
export class HeldMessages {
  readonly #held = new Fifo<HeldMessage>()
  /** The batch of the store that has the last one, also after it was sent. */
  lastBatch = 0

  /** One of an earlier generation of the code, at a reset. It is not used any more. */
  static from(before: Pick<HeldMessages, 'lastBatch' | 'entries'>): HeldMessages {
    const held = new HeldMessages()
    held.lastBatch = before.lastBatch
    for (const entry of before.entries()) held.#held.push(entry)
    return held
  }

  entries(): readonly HeldMessage[] {
    return [...this.#held]
  }

  get count(): number {
    return this.#held.length
  }

  /** @param batch of the store, which must be durable first. */
  hold(outgoing: Outgoing, batch: number): void {
    this.#held.push({ outgoing, batch })
    this.lastBatch = batch
  }

  /** Removes and returns the first one, if its batch is durable. */
  take(durableBatch: number): Outgoing | undefined {
    const first = this.#held.peek()
    if (first === undefined || first.batch > durableBatch) return undefined
    this.#held.shift()
    return first.outgoing
  }

  clear(): void {
    this.#held.clear()
  }
}

interface HeldMessage {
  readonly outgoing: Outgoing
  readonly batch: number
}
