import { chunksOf } from './layout.ts'

/**
 * The messages in the file, by slots: small numbers that are used again, so that the index of a queue needs no object for a
 * message. A slot costs 17 bytes.
 */
export class MessageTable {
  #ids = new Float64Array(INITIAL_SLOTS)
  #sizes = new Uint32Array(INITIAL_SLOTS)
  #receivers = new Uint16Array(INITIAL_SLOTS)
  #live = new Uint16Array(INITIAL_SLOTS)
  #states = new Uint8Array(INITIAL_SLOTS)
  #used = 0
  #free: number[] = []

  /** For a successor of another generation of the code. Changes nothing. */
  handOver(): MessageTableState {
    const [ids, sizes, receivers, live, states] = [this.#ids, this.#sizes, this.#receivers, this.#live, this.#states]
    return { ids, sizes, receivers, live, states, used: this.#used, free: this.#free }
  }

  /** Continues at a reset. The one that gave this must not be used meanwhile. */
  takeOver({ ids, sizes, receivers, live, states, used, free }: MessageTableState): void {
    this.#ids = ids
    this.#sizes = sizes
    this.#receivers = receivers
    this.#live = live
    this.#states = states
    this.#used = used
    this.#free = free
  }

  /** How many messages there are. */
  get count(): number {
    return this.#used - this.#free.length
  }

  /**
   * @param size of the message, as `Message.size`.
   * @returns the slot of a message that is owed to no session yet.
   */
  take(id: number, size: number): number {
    const slot = this.#free.pop() ?? this.#next()
    this.#ids[slot] = id
    this.#sizes[slot] = size
    this.#receivers[slot] = 0
    this.#live[slot] = 0
    this.#states[slot] = 0
    return slot
  }

  release(slot: number): void {
    this.#free.push(slot)
  }

  idOf(slot: number): number {
    return this.#ids[slot]!
  }

  sizeOf(slot: number): number {
    return this.#sizes[slot]!
  }

  /** Receivers that are in the file, done or not. */
  receiversOf(slot: number): number {
    return this.#receivers[slot]!
  }

  /** Entries of the file that are the message and the states of its receivers, at most. */
  rowsOf(slot: number): number {
    const receivers = this.#receivers[slot]!
    return chunksOf(receivers) + receivers
  }

  setReceivers(slot: number, count: number): void {
    this.#receivers[slot] = count
  }

  /** Receivers that are owed the message. */
  liveOf(slot: number): number {
    return this.#live[slot]!
  }

  owe(slot: number): void {
    this.#live[slot]! += 1
  }

  /** One receiver is owed the message no more. @returns how many still are. */
  settle(slot: number): number {
    this.#live[slot]! -= 1
    return this.#live[slot]!
  }

  hasStates(slot: number): boolean {
    return this.#states[slot] === 1
  }

  addState(slot: number): void {
    this.#states[slot] = 1
  }

  #next(): number {
    const slot = this.#used
    this.#used += 1
    if (slot < this.#ids.length) return slot
    const length = this.#ids.length * 2
    const ids = new Float64Array(length)
    ids.set(this.#ids)
    this.#ids = ids
    const sizes = new Uint32Array(length)
    sizes.set(this.#sizes)
    this.#sizes = sizes
    this.#receivers = grown(this.#receivers, new Uint16Array(length))
    this.#live = grown(this.#live, new Uint16Array(length))
    this.#states = grown(this.#states, new Uint8Array(length))
    return slot
  }
}

/** What goes to the successor at a reset. */
export interface MessageTableState {
  readonly ids: Float64Array<ArrayBuffer>
  readonly sizes: Uint32Array<ArrayBuffer>
  readonly receivers: Uint16Array<ArrayBuffer>
  readonly live: Uint16Array<ArrayBuffer>
  readonly states: Uint8Array<ArrayBuffer>
  readonly used: number
  readonly free: number[]
}

const INITIAL_SLOTS = 1_024

const grown = <T extends Uint8Array | Uint16Array>(from: T, to: T): T => {
  to.set(from)
  return to
}
