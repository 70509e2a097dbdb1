import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import { Fifo } from '../../src/mqtt/fifo.ts'
import type { Journal } from './journal.ts'

/** So many packets of one client may wait; then nothing more is read from it until they have left. */
const MAXIMUM_WAITING = 1_000

/**
 * Holds back the answers to one client until what they promise is durable. Answers leave in the order they were given,
 * [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4]: one that has nothing to wait for waits for those before it.
 */
export class AckGate {
  readonly #journal: Journal
  readonly #waiting = new Fifo<Waiting>()
  readonly #send: (packet: ControlPacket) => void
  readonly #onWait: () => void

  /** @param onWait called whenever a packet has to wait: `release` is to follow. */
  constructor(journal: Journal, send: (packet: ControlPacket) => void, onWait: () => void) {
    this.#journal = journal
    this.#send = send
    this.#onWait = onWait
  }

  get waiting(): number {
    return this.#waiting.length
  }

  get full(): boolean {
    return this.#waiting.length >= MAXIMUM_WAITING
  }

  /** Whether an answer may leave at once. @param depends @param batch as for `send`. */
  isOpen(depends: boolean, batch = this.#journal.lastBatch): boolean {
    return this.#waiting.length === 0 && (!depends || this.#journal.store.durableBatch >= batch)
  }

  /**
   * Sends a packet, at once or later.
   * @param depends whether it promises something that was appended to the journal, in this turn or before.
   * @param sent called when it has left.
   * @param batch the batch that must be durable first, if it is not the present one.
   * @returns false when it has to wait.
   */
  send(packet: ControlPacket, depends: boolean, sent?: () => void, batch = this.#journal.lastBatch): boolean {
    if (this.isOpen(depends, batch)) {
      this.#send(packet)
      sent?.()
      return true
    }
    this.#waiting.push({ packet, batch: depends ? batch : 0, sent })
    this.#onWait()
    return false
  }

  /** Sends what has waited long enough. */
  release(): void {
    const { durableBatch } = this.#journal.store
    for (
      let next = this.#waiting.peek();
      next !== undefined && next.batch <= durableBatch;
      next = this.#waiting.peek()
    ) {
      this.#waiting.shift()
      this.#send(next.packet)
      next.sent?.()
    }
  }

  /** The connection is gone, and with it whoever waited. */
  clear(): void {
    this.#waiting.clear()
  }
}

interface Waiting {
  readonly packet: ControlPacket
  /** The batch that must be durable first. */
  readonly batch: number
  readonly sent: (() => void) | undefined
}
