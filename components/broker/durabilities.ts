import { Fifo } from '../../src/collections/fifo.ts'
import type { DurableBatches } from '../../src/kinds/durability.ts'

/**
 * Combines several durabilities into one: a record is durable when all of them report it. The combined batches have their own
 * numbers, which increase with each batch of any durability that takes a record.
 */
export class Durabilities {
  readonly #parts: DurableBatches[]
  /** The batch of each part that was given something last; 0 for none. */
  #given: number[]
  readonly #waiting = new Fifo<WaitingBatch>()
  #lastBatch = 0
  #durableBatch = 0

  constructor(parts: readonly DurableBatches[]) {
    this.#parts = [...parts]
    this.#given = parts.map(() => 0)
  }

  /** For a successor. Changes nothing. */
  handOver(): DurabilitiesState {
    const [lastBatch, durableBatch] = [this.#lastBatch, this.#durableBatch]
    return { given: [...this.#given], waiting: [...this.#waiting], lastBatch, durableBatch }
  }

  /** At a reset. */
  takeOver({ given, waiting, lastBatch, durableBatch }: DurabilitiesState): void {
    this.#given = [...given]
    for (const each of waiting) this.#waiting.push(each)
    this.#lastBatch = lastBatch
    this.#durableBatch = durableBatch
  }

  /** The batch of what was given last. */
  get lastBatch(): number {
    return this.#lastBatch
  }

  /** All batches up to this one are durable. */
  get durableBatch(): number {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!next.given.every((batch, index) => this.#parts[index]!.durableBatch >= batch)) break
      this.#waiting.shift()
      this.#durableBatch = next.batch
    }
    return this.#durableBatch
  }

  /** Whether all of them are durable at once. */
  get isImmediate(): boolean {
    return this.#parts.every(({ durableBatch }) => durableBatch === Number.POSITIVE_INFINITY)
  }

  /** Notes that one of them takes a record now. @param index of the durability. */
  give(index: number): void {
    const { batch } = this.#parts[index]!
    if (this.#given[index] === batch && this.#lastBatch > 0) return
    this.#given[index] = batch
    this.#lastBatch += 1
    this.#waiting.push({ batch: this.#lastBatch, given: [...this.#given] })
  }

  /** Another one continues in the place of one of them. @param index of it. */
  replace(index: number, part: DurableBatches): void {
    this.#parts[index] = part
  }

  /** Sets the function that is called each time one of them has made a batch durable. */
  onDurable(listener: () => void): void {
    for (const part of this.#parts) part.onDurable(listener)
  }
}

interface WaitingBatch {
  readonly batch: number
  readonly given: readonly number[]
}

/** What goes to the successor at a reset. */
export interface DurabilitiesState {
  readonly given: readonly number[]
  readonly waiting: readonly WaitingBatch[]
  readonly lastBatch: number
  readonly durableBatch: number
}
