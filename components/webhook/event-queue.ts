import { Fifo } from '../../src/collections/fifo.ts'

/** Events that go together in one request. */
export interface Batch {
  readonly events: readonly string[]
  readonly bytes: number
}

export interface QueueLimits {
  readonly maximumQueuedEvents: number
  readonly maximumQueuedBytes: number
  readonly batchEvents: number
  readonly batchBytes: number
}

/** Events that wait, in their order, within a bound that counts those under way. */
export class EventQueue {
  readonly #limits: QueueLimits
  readonly #waiting = new Fifo<{ readonly event: string; readonly bytes: number }>()
  #waitingBytes = 0
  #takenEvents = 0
  #takenBytes = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Events that wait, with those under way. */
  get length(): number {
    return this.#waiting.length + this.#takenEvents
  }

  get bytes(): number {
    return this.#waitingBytes + this.#takenBytes
  }

  /** Events that wait and are not under way. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Whether a request can be filled. */
  get hasFullBatch(): boolean {
    return this.#waiting.length >= this.#limits.batchEvents || this.#waitingBytes >= this.#limits.batchBytes
  }

  /** Whether an event of at least so many bytes may be pushed. An event that may not need not be made. */
  hasRoomFor(bytes: number): boolean {
    const { maximumQueuedEvents, maximumQueuedBytes } = this.#limits
    return this.length < maximumQueuedEvents && this.bytes + bytes <= maximumQueuedBytes
  }

  /** @returns false, and takes nothing, if the queue is full. */
  push(event: string): boolean {
    const bytes = Buffer.byteLength(event) + 1
    if (!this.hasRoomFor(bytes)) return false
    this.#waiting.push({ event, bytes })
    this.#waitingBytes += bytes
    return true
  }

  /** Takes the events of the next request. They count until `done`. @returns undefined if there are none. */
  take(): Batch | undefined {
    const { batchEvents, batchBytes } = this.#limits
    const events: string[] = []
    let bytes = 0
    for (
      let next = this.#waiting.peek();
      next !== undefined && events.length < batchEvents;
      next = this.#waiting.peek()
    ) {
      if (events.length > 0 && bytes + next.bytes > batchBytes) break
      this.#waiting.shift()
      events.push(next.event)
      bytes += next.bytes
    }
    if (events.length === 0) return undefined
    this.#waitingBytes -= bytes
    this.#takenEvents += events.length
    this.#takenBytes += bytes
    return { events, bytes }
  }

  /** A batch was sent or dropped. */
  done({ events, bytes }: Batch): void {
    this.#takenEvents -= events.length
    this.#takenBytes -= bytes
  }

  /** Counts a batch of a predecessor as one that was taken. */
  adopt({ events, bytes }: Batch): void {
    this.#takenEvents += events.length
    this.#takenBytes += bytes
  }

  /** Takes all events that wait, without bound. They do not count any more. */
  drain(): readonly string[] {
    const events: string[] = []
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) events.push(next.event)
    this.#waitingBytes = 0
    return events
  }
}
