/**
 * Watches any number of connections for silence with one timer: a wheel of slots, each holding those whose time may be up
 * when the wheel gets there. A packet costs a write of a number; only when its slot comes is a connection looked at, and
 * moved on if it was heard of since.
 *
 * The wheel has no clock: `advance` tells it the time. Its own time moves in ticks and stands still while `advance` is
 * late: if the process hung, nobody could be heard, and that is not the clients' silence.
 */
export class KeepAlive<T> {
  readonly #tickMs: number
  readonly #slots: Set<Watch<T>>[]
  /** Ticks since the start: the wheel's own time. */
  #tick = 0
  /** Where `#tick` is on the clock of `advance`. */
  #tickAtMs: number
  /** How far before the last slot the last of those beyond the wheel went. */
  #spread = 0

  /**
   * @param nowMs the time on the clock that `advance` will use.
   * @param tickMs how exact the wheel is: silence is noticed at most two ticks late, and never early.
   * @param slotCount how far ahead the wheel sees, in ticks; longer waits take a look for each turn of the wheel.
   */
  constructor(nowMs: number, tickMs: number, slotCount: number) {
    this.#tickAtMs = nowMs
    this.#tickMs = tickMs
    this.#slots = Array.from({ length: slotCount }, () => new Set<Watch<T>>())
  }

  /** Starts to watch: `advance` reports the owner once it was silent for `limitMs`, counted from now. 0 is no limit. */
  watch(owner: T, limitMs: number): Watch<T> {
    const watch: Watch<T> = { owner, heardAtTick: this.#tick, limitTicks: 0, slot: undefined }
    this.limit(watch, limitMs)
    return watch
  }

  /** Notes that the owner was heard of. */
  heard(watch: Watch<T>): void {
    watch.heardAtTick = this.#tick
  }

  /** Sets another limit, counted from when the owner was last heard of. 0 is no limit. */
  limit(watch: Watch<T>, limitMs: number): void {
    this.cancel(watch)
    if (limitMs === 0) return
    // One tick more, since whoever was heard of during a tick is noted at its beginning.
    watch.limitTicks = Math.ceil(limitMs / this.#tickMs) + 1
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
    for (let ticks = 0; nowMs - this.#tickAtMs >= this.#tickMs; ticks++) {
      if (ticks === maximumTicksAtOnce) {
        this.#tickAtMs = nowMs
        break
      }
      this.#tickAtMs += this.#tickMs
      this.#tick++
      this.#lookAtSlot(silent)
    }
    return silent
  }

  #enterSlot(watch: Watch<T>): void {
    const ticksAhead = watch.heardAtTick + watch.limitTicks - this.#tick
    // The slot of this very tick is a whole turn away.
    let reachable = Math.max(ticksAhead, 1)
    if (reachable >= this.#slots.length) {
      // What is beyond the wheel is spread over its further half: otherwise all that began together would be looked at together.
      this.#spread = (this.#spread + 1) % (this.#slots.length >> 1)
      reachable = this.#slots.length - 1 - this.#spread
    }
    watch.slot = this.#slots[(this.#tick + reachable) % this.#slots.length]
    watch.slot?.add(watch)
  }

  #lookAtSlot(silent: T[]): void {
    const slot = this.#slots[this.#tick % this.#slots.length]!
    for (const watch of slot) {
      this.cancel(watch)
      if (this.#tick - watch.heardAtTick >= watch.limitTicks) silent.push(watch.owner)
      else this.#enterSlot(watch)
    }
  }
}

/** One who is watched. The wheel alone writes it. */
export interface Watch<T> {
  readonly owner: T
  heardAtTick: number
  limitTicks: number
  /** The slot it stands in, none while it is not watched. */
  slot: Set<Watch<T>> | undefined
}

/** A timer that is later than this many ticks was held up by the process itself: the rest of the time does not count. */
const maximumTicksAtOnce = 2
