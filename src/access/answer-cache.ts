import type { Decision } from '../kinds/authorizer.ts'

/** Answers that are kept, of all clients together. A power of two. */
const SLOTS = 16_384

/** A longer topic is not kept, so that the memory is bounded: 8 MB. */
const MAXIMUM_LENGTH = 256

const BASIS = 0x811c9dc5 | 0
const PRIME = 0x01000193

/**
 * The last answers to all clients: each question has one slot, where the next one with the same slot takes its place. For clients
 * that publish to several topics or receive from many.
 */
export class AnswerCache {
  readonly #askers = new Float64Array(SLOTS)
  readonly #topics: string[] = new Array<string>(SLOTS).fill('')
  readonly #answers: Decision[] = new Array<Decision>(SLOTS).fill('deny')

  /** @param asker a number above 0 for the client and what it asks for. @returns undefined when the answer is not known. */
  get(asker: number, topic: string): Decision | undefined {
    const slot = slotOf(asker, topic)
    return this.#askers[slot] === asker && this.#topics[slot] === topic ? this.#answers[slot] : undefined
  }

  set(asker: number, topic: string, answer: Decision): void {
    if (topic.length > MAXIMUM_LENGTH) return
    const slot = slotOf(asker, topic)
    this.#askers[slot] = asker
    this.#topics[slot] = topic
    this.#answers[slot] = answer
  }
}

const slotOf = (asker: number, topic: string): number => {
  let hash = Math.imul(BASIS ^ asker, PRIME)
  const end = Math.min(topic.length, MAXIMUM_LENGTH)
  for (let index = 0; index < end; index += 1) hash = Math.imul(hash ^ topic.charCodeAt(index), PRIME)
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}
