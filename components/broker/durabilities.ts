import { Fifo } from '../../src/collections/fifo.ts'
import type { Durability } from '../../src/kinds/durability.ts'

/**
 * Several durabilities as one: what was given to any of them is durable when all of them say so. Its batches have numbers of their
 * own, which count up with each batch of any of them that is given something.
 */
export class Durabilities {
  readonly #parts: readonly Durability[]
  /** The batch of each part that was given something last; 0 for none. */
  readonly #given: number[]
  readonly #waiting = new Fifo<{ readonly batch: number; readonly given: readonly number[] }>()
  #lastBatch = 0
  #durableBatch = 0

  constructor(parts: readonly Durability[]) {
    this.#parts = parts
    this.#given = parts.map(() => 0)
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

  /** Whether none of them has anything to wait for. */
  get isImmediate(): boolean {
    return this.#parts.every(({ durableBatch }) => durableBatch === Number.POSITIVE_INFINITY)
  }

  /** One of them is given something now. @param index which one. */
  give(index: number): void {
    const { batch } = this.#parts[index]!
    if (this.#given[index] === batch && this.#lastBatch > 0) return
    this.#given[index] = batch
    this.#lastBatch += 1
    this.#waiting.push({ batch: this.#lastBatch, given: [...this.#given] })
  }

  /** Sets who is called whenever one of them has made something durable. */
  onDurable(listener: () => void): void {
    for (const part of this.#parts) part.onDurable(listener)
  }
}
