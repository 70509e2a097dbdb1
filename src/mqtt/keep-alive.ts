/**
 * Watches any number of connections for silence with one timer: a wheel of slots, each holding those whose time may be up
 * when the wheel gets there. A packet costs a write of a number; only when its slot comes is a connection looked at, and
 * moved on if it was heard of since.
 *
 * The wheel has no clock: `advance` tells it the time, and is to be called once in each tick. Its own time stands still while
 * `advance` is late: if the process hung, nobody could be heard, and that is not the clients' silence.
 */
export class KeepAlive<T> {
  readonly #tickMs: number
  readonly #slots: Set<Watch<T>>[]
  /** The wheel's own time, as of the last `advance`. */
  #timeMs = 0
  /** The same on the clock of `advance`. */
  #advancedAtMs: number
  /** The slot of `#timeMs`, counted from the start. */
  #tick = 0

  /**
   * @param nowMs the time on the clock that `advance` will use.
   * @param tickMs how often `advance` is called. Silence is noticed never early, and at most two ticks late: who was heard of
   * since the last `advance` is noted as of then, and allowed one tick more. A watch with its time is at most one tick late.
   * @param slotCount how far ahead the wheel sees, in ticks; longer waits take a look for each turn of the wheel.
   */
  constructor(nowMs: number, tickMs: number, slotCount: number) {
    this.#advancedAtMs = nowMs
    this.#tickMs = tickMs
    this.#slots = Array.from({ length: slotCount }, () => new Set<Watch<T>>())
  }

  /**
   * Starts to watch: `advance` reports the owner once it was silent for `limitMs`, counted from now. 0 is no limit.
   * @param nowMs the time on the clock of `advance`, where it is worth asking for: the wheel knows that of the last call alone.
   */
  watch(owner: T, limitMs: number, nowMs?: number): Watch<T> {
    // What is known exactly does not need the tick that `limit` adds.
    const heardAtMs = nowMs === undefined ? this.#timeMs : this.#timeMs + nowMs - this.#advancedAtMs - this.#tickMs
    const watch: Watch<T> = { owner, heardAtMs, limitMs: 0, slot: undefined }
    this.limit(watch, limitMs)
    return watch
  }

  /** Notes that the owner was heard of. */
  heard(watch: Watch<T>): void {
    watch.heardAtMs = this.#timeMs
  }

  /** Sets another limit, counted from when the owner was last heard of. 0 is no limit. */
  limit(watch: Watch<T>, limitMs: number): void {
    this.cancel(watch)
    if (limitMs === 0) return
    // One tick more, since it may have been heard of a tick later than what is noted.
    watch.limitMs = limitMs + this.#tickMs
    this.#enterSlot(watch)
  }

  /** Ends the watch; ending it twice does no harm. */
  cancel(watch: Watch<T>): void {
    watch.slot?.delete(watch)
    watch.slot = undefined
  }

  /** Moves the time on. @returns those who were silent for too long; they are watched no more. */
  advance(nowMs: number): T[] {
    const silent: T[] = []
    this.#timeMs += Math.min(nowMs - this.#advancedAtMs, maximumTicksAtOnce * this.#tickMs)
    this.#advancedAtMs = nowMs
    const tick = Math.floor(this.#timeMs / this.#tickMs)
    // The slot where the last call ended has those who were not due then.
    this.#lookAtSlot(silent)
    while (this.#tick < tick) {
      this.#tick += 1
      this.#lookAtSlot(silent)
    }
    return silent
  }

  #slotOf(watch: Watch<T>): Set<Watch<T>> {
    const ticksAhead = Math.floor((watch.heardAtMs + watch.limitMs) / this.#tickMs) - this.#tick
    const reachable = Math.min(Math.max(ticksAhead, 0), this.#slots.length - 1)
    return this.#slots[(this.#tick + reachable) % this.#slots.length]!
  }

  #enterSlot(watch: Watch<T>): void {
    watch.slot = this.#slotOf(watch)
    watch.slot.add(watch)
  }

  #lookAtSlot(silent: T[]): void {
    const slot = this.#slots[this.#tick % this.#slots.length]!
    for (const watch of slot) {
      if (this.#timeMs - watch.heardAtMs >= watch.limitMs) {
        this.cancel(watch)
        silent.push(watch.owner)
      } else if (this.#slotOf(watch) !== slot) {
        this.cancel(watch)
        this.#enterSlot(watch)
      }
    }
  }
}

/** One who is watched. The wheel alone writes it. */
export interface Watch<T> {
  readonly owner: T
  /** When it was last heard of, on the wheel's own time. */
  heardAtMs: number
  limitMs: number
  /** The slot it stands in, none while it is not watched. */
  slot: Set<Watch<T>> | undefined
}

/** A call of `advance` that is later than this many ticks was held up by the process itself: the rest of the time does not count. */
const maximumTicksAtOnce = 2
