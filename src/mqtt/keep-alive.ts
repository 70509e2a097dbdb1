/**
 * Watches any number of connections for silence with one timer: a wheel of slots, each holding those whose time may be up
 * when the wheel gets there. A packet costs a write of a number; only when its slot comes is a connection looked at, and
 * moved on if it was heard of since.
 *
 * The wheel has no clock: `advance` tells it the time. After a long turn of the event loop `advance` is late, and what the
 * watched have sent meanwhile is not read yet. The wheel then waits for one more call before it looks at the time that has
 * passed: what had arrived is read between two calls. So a busy process throws out nobody whom it did not hear, and does not
 * prolong the time of those who are silent.
 */
export class KeepAlive<T> {
  readonly #tickMs: number
  readonly #slots: Set<Watch<T>>[]
  readonly #waitsForReads: boolean
  readonly #startMs: number
  /** Ticks from the start to the last `advance`. */
  #now = 0
  /** The tick up to which all slots were looked at. */
  #tick = 0

  /**
   * @param nowMs the time on the clock that `advance` will use.
   * @param tickMs how exact the wheel is: silence is noticed at most two ticks late, and never early.
   * @param slotCount how far ahead the wheel sees, in ticks; longer waits take a look for each turn of the wheel.
   * @param waitsForReads whether a late `advance` leaves time to read what had arrived. False where the end of a time does not
   * depend on what arrives.
   */
  constructor(nowMs: number, tickMs: number, slotCount: number, waitsForReads = true) {
    this.#startMs = nowMs
    this.#tickMs = tickMs
    this.#waitsForReads = waitsForReads
    this.#slots = Array.from({ length: slotCount }, () => new Set<Watch<T>>())
  }

  /** Starts to watch: `advance` reports the owner once it was silent for `limitMs`, counted from now. 0 is no limit. */
  watch(owner: T, limitMs: number): Watch<T> {
    const watch: Watch<T> = { owner, heardAtTick: this.#now, limitTicks: 0, slot: undefined }
    this.limit(watch, limitMs)
    return watch
  }

  /** Notes that the owner was heard of. */
  heard(watch: Watch<T>): void {
    watch.heardAtTick = this.#now
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
    const before = this.#now
    this.#now = Math.floor((nowMs - this.#startMs) / this.#tickMs)
    if (this.#now - before > 1) this.#noteHeard(before)
    const isLate = this.#now - before > MAXIMUM_TICKS_AT_ONCE
    const until = isLate && this.#waitsForReads ? before : this.#now
    // After a very long time one look at each slot is enough.
    this.#tick = Math.max(this.#tick, until - this.#slots.length)
    while (this.#tick < until) {
      this.#tick++
      this.#lookAtSlot(silent)
    }
    return silent
  }

  /** Those heard of since `tick` were heard of up to now: they are noted at the beginning of a tick that took longer. */
  #noteHeard(tick: number): void {
    for (const slot of this.#slots) {
      for (const watch of slot) if (watch.heardAtTick === tick) watch.heardAtTick = this.#now
    }
  }

  #enterSlot(watch: Watch<T>): void {
    const ticksAhead = watch.heardAtTick + watch.limitTicks - this.#tick
    // The slot of this very tick is a whole turn away.
    const reachable = Math.min(Math.max(ticksAhead, 1), this.#slots.length - 1)
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

/** A timer that is later than this many ticks was held up by the process itself. */
const MAXIMUM_TICKS_AT_ONCE = 2
