import { Fifo } from '../../src/collections/fifo.ts'
import type { JournalPosition } from '../../src/kinds/client-broker.ts'
import type { ControlPacket } from '../../src/kinds/pipeline-stage.ts'
import type { AfterAnswer, GateRecord, WaitingAnswer } from './client-record.ts'

/** The most packets of one client that may wait while the store keeps pace. Then the client is not read until they are sent. */
const MAXIMUM_WAITING = 1_000

/** The client whose answers they are. */
export interface AnsweredClient {
  /** Sends a packet to the client. */
  send(packet: ControlPacket): void
  /** A packet with an effect was sent. */
  answerLeft(then: AfterAnswer): void
  /** A packet has to wait: `AckGate.release` must be called later. */
  awaitStore(): void
}

/**
 * Holds back the answers to one client until what they promise is durable. Answers are sent in their order, [MQTT-4.6.0-2]
 * [MQTT-4.6.0-3] [MQTT-4.6.0-4]: an answer that depends on nothing waits for those before it.
 */
export class AckGate {
  /** That of the broker: a reset may replace it. */
  journal: JournalPosition
  readonly #client: AnsweredClient
  readonly #waiting = new Fifo<WaitingAnswer>()
  /** PUBREL packets among them. */
  #waitingReleases = 0
  /** Where the journal was when the present packet came. */
  #position = 0
  #resumedBatch = 0

  /** @param continued the state of the gate that it continues. The caller then calls `awaitStore` if answers wait. */
  constructor(journal: JournalPosition, client: AnsweredClient, continued?: GateRecord) {
    this.journal = journal
    this.#client = client
    if (continued === undefined) return
    this.#resumedBatch = continued.resumedBatch
    for (const answer of continued.waiting) this.#hold(answer)
  }

  handOver(): GateRecord {
    return { waiting: [...this.#waiting], resumedBatch: this.#resumedBatch }
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /**
   * Whether the client must not be read: too many answers wait, or any while the store does not keep pace. PUBREL packets do not
   * count then, since a subscriber can cause no more of them than it has messages in flight.
   */
  get full(): boolean {
    const { length } = this.#waiting
    return length >= MAXIMUM_WAITING || (length > this.#waitingReleases && this.journal.pressure !== 'none')
  }

  /**
   * The session may have records of an earlier connection that are not durable yet: an answer that repeats what they promise
   * waits for them, see `batch`.
   */
  resumed(): void {
    this.#resumedBatch = this.journal.lastBatch
  }

  /** The batch of the records of earlier connections. */
  get resumedBatch(): number {
    return this.#resumedBatch
  }

  /**
   * The batch that must be durable before the answer to the present packet may leave. An answer that promises something for the
   * second time causes no record: what it promises was appended over an earlier connection, since over this one the first answer
   * precedes it.
   */
  get batch(): number {
    return this.depends ? this.journal.lastBatch : this.#resumedBatch
  }

  /** A packet of the client arrives. Its answer depends on what is appended to the journal from now on. */
  begin(): void {
    this.#position = this.journal.position
  }

  /** Whether something was appended to the journal since `begin`. */
  get depends(): boolean {
    return this.journal.position !== this.#position
  }

  /** Whether an answer may leave at once. @param depends @param batch as for `send`. */
  isOpen(depends: boolean, batch = this.journal.lastBatch): boolean {
    return this.#waiting.length === 0 && (!depends || this.journal.durableBatch >= batch)
  }

  /**
   * Sends a packet, at once or later.
   * @param depends whether it promises something that was appended to the journal, in this turn or before.
   * @param then the effect when it is sent.
   * @param batch the batch that must be durable first, if it is not the present one.
   * @returns false when it has to wait.
   */
  send(packet: ControlPacket, depends: boolean, then?: AfterAnswer, batch = this.journal.lastBatch): boolean {
    if (this.isOpen(depends, batch)) {
      this.#client.send(packet)
      if (then !== undefined) this.#client.answerLeft(then)
      return true
    }
    this.#hold({ packet, batch: depends ? batch : 0, then })
    this.#client.awaitStore()
    return false
  }

  #hold(answer: WaitingAnswer): void {
    this.#waiting.push(answer)
    if (answer.packet.cmd === 'pubrel') this.#waitingReleases += 1
  }

  /** Sends the answers whose batch is durable. */
  release(): void {
    const { durableBatch } = this.journal
    for (
      let next = this.#waiting.peek();
      next !== undefined && next.batch <= durableBatch;
      next = this.#waiting.peek()
    ) {
      this.#waiting.shift()
      if (next.packet.cmd === 'pubrel') this.#waitingReleases -= 1
      this.#client.send(next.packet)
      if (next.then !== undefined) this.#client.answerLeft(next.then)
    }
  }

  /** The connection has ended: discards everything that waited. */
  clear(): void {
    this.#waiting.clear()
    this.#waitingReleases = 0
  }
}
