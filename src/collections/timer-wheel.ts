/**
 * Watches any number of connections for silence with one timer: a wheel of slots, each holding those whose time may be up when
 * the wheel gets there. A packet costs one write of a number. A connection is examined only when its slot comes, and is moved
 * to a later slot if it sent something since.
 *
 * The wheel has no clock: `advance` tells it the time and has to be called once in each tick. After a long turn of the event
 * loop `advance` is late, and bytes that have arrived meanwhile are not read yet. The wheel then waits for one more call before
 * it considers the time that has passed, since the bytes are read between two calls. A busy process therefore does not
 * disconnect a client whose bytes it has not read, and does not prolong the time of silent clients.
 */
export class TimerWheel<T> {
  readonly #tickMs: number
  readonly #slots: Set<Watch<T>>[]
  readonly #waitsForReads: boolean
  readonly #startMs: number
  /** The time of the last `advance`. */
  #nowMs: number
  /** The last slot that was looked at, counted from the start. */
  #tick = 0
  /** The distance before the last slot at which the last watch beyond the wheel was placed. */
  #spread = 0

  /**
   * @param nowMs the time on the clock that `advance` will use.
   * @param tickMs how often `advance` is called. Silence is never noticed early, and at most two ticks and a quarter late: a sign of life
   * counts from the last `advance`, and the time of a tick is added. A watch with an exact time is at most one tick late.
   * @param slotCount the length of the wheel, in ticks. Longer waits are examined once in each turn of the wheel.
   * @param waitsForReads whether a late `advance` leaves time to read what has arrived. False if a time does not depend on what
   * arrives.
   */
  constructor(nowMs: number, tickMs: number, slotCount: number, waitsForReads = true) {
    this.#startMs = nowMs
    this.#nowMs = nowMs
    this.#tickMs = tickMs
    this.#waitsForReads = waitsForReads
    this.#slots = Array.from({ length: slotCount }, () => new Set<Watch<T>>())
  }

  /**
   * Starts a watch: `advance` reports the owner when it was silent for `limitMs` from now. 0 is no limit.
   * @param nowMs the exact time on the clock of `advance`. Without it the wheel uses the time of the last call.
   */
  watch(owner: T, limitMs: number, nowMs?: number): Watch<T> {
    // An exact time does not need what `limit` adds.
    const heardAtMs = nowMs === undefined ? this.#nowMs : nowMs - this.#tickMs * USUAL_TICK
    const watch: Watch<T> = { owner, heardAtMs, limitMs: 0, slot: undefined }
    this.limit(watch, limitMs)
    return watch
  }

  /** Notes a sign of life of the owner. */
  heard(watch: Watch<T>): void {
    watch.heardAtMs = this.#nowMs
  }

  /** The time of the last `advance`. A wheel that continues with the watches of this one is made with it. */
  get nowMs(): number {
    return this.#nowMs
  }

  /**
   * Starts a watch that continues another one, of this wheel or of one with the same clock. If the other was due, `advance` reports the
   * owner next.
   */
  resume(owner: T, { heardAtMs, limitMs }: Standing): Watch<T> {
    const watch: Watch<T> = { owner, heardAtMs, limitMs, slot: undefined }
    if (limitMs > 0) this.#enterSlot(watch)
    return watch
  }

  /** Sets another limit, counted from the last sign of life of the owner. 0 is no limit. */
  limit(watch: Watch<T>, limitMs: number): void {
    this.cancel(watch)
    watch.limitMs = 0
    if (limitMs === 0) return
    // A tick more, since the last sign of life may be a tick later than the noted time.
    watch.limitMs = limitMs + this.#tickMs * USUAL_TICK
    this.#enterSlot(watch)
  }

  /** Ends the watch. A second call has no effect. */
  cancel(watch: Watch<T>): void {
    watch.slot?.delete(watch)
    watch.slot = undefined
  }

  /** Advances the time. @returns the owners that were silent for too long. Their watches have ended. */
  advance(nowMs: number): T[] {
    const silent: T[] = []
    const beforeMs = this.#nowMs
    this.#nowMs = nowMs
    const ticks = (nowMs - beforeMs) / this.#tickMs
    const isLate = ticks > MAXIMUM_TICKS_AT_ONCE
    // What does not depend on reads has exact times, and may be watched for a million sessions.
    if (this.#waitsForReads && ticks > USUAL_TICK) this.#noteHeard(beforeMs)
    const untilMs = isLate && this.#waitsForReads ? beforeMs : nowMs
    const until = Math.floor((untilMs - this.#startMs) / this.#tickMs)
    // The slot where the last call ended contains watches that were not due then.
    this.#lookAtSlot(untilMs, silent)
    // After a very long time one look at each slot is enough.
    this.#tick = Math.max(this.#tick, until - this.#slots.length)
    while (this.#tick < until) {
      this.#tick += 1
      this.#lookAtSlot(untilMs, silent)
    }
    return silent
  }

  /** Signs of life since a time may be as late as now: they were noted with the time at which a long tick began. */
  #noteHeard(sinceMs: number): void {
    // `limit` has added the rest.
    const heardAtMs = this.#nowMs - this.#tickMs * USUAL_TICK
    for (const slot of this.#slots) {
      for (const watch of slot) if (watch.heardAtMs === sinceMs) watch.heardAtMs = heardAtMs
    }
  }

  #slotOf({ heardAtMs, limitMs }: Watch<T>): Set<Watch<T>> {
    const ticksAhead = Math.floor((heardAtMs + limitMs - this.#startMs) / this.#tickMs) - this.#tick
    let reachable = Math.max(ticksAhead, 0)
    if (reachable >= this.#slots.length) {
      // Watches beyond the wheel are spread over its second half, so that those that began together are not all looked at together.
      this.#spread = (this.#spread + 1) % Math.max(1, this.#slots.length >> 1)
      reachable = this.#slots.length - 1 - this.#spread
    }
    return this.#slots[(this.#tick + reachable) % this.#slots.length]!
  }

  #enterSlot(watch: Watch<T>): void {
    watch.slot = this.#slotOf(watch)
    watch.slot.add(watch)
  }

  #lookAtSlot(untilMs: number, silent: T[]): void {
    const slot = this.#slots[this.#tick % this.#slots.length]!
    for (const watch of slot) {
      if (untilMs - watch.heardAtMs >= watch.limitMs) {
        this.cancel(watch)
        silent.push(watch.owner)
        continue
      }
      const next = this.#slotOf(watch)
      if (next === slot) continue
      this.cancel(watch)
      watch.slot = next
      next.add(watch)
    }
  }
}

/** How far a watch has come: plain numbers, for a watch that continues it. */
export interface Standing {
  readonly heardAtMs: number
  /** 0 is no limit. */
  readonly limitMs: number
}

/** How far a watch has come, for `TimerWheel.resume`; undefined if it is not watched now. */
export const standingOf = (watch: Watch<unknown> | undefined): Standing | undefined =>
  watch?.slot === undefined ? undefined : { heardAtMs: watch.heardAtMs, limitMs: watch.limitMs }

/** A watch of an owner. Only the wheel writes it. */
export interface Watch<T> {
  readonly owner: T
  /** The time of the last sign of life, as far as the wheel knows. */
  heardAtMs: number
  limitMs: number
  /** Its slot; none while it is not watched. */
  slot: Set<Watch<T>> | undefined
}

/** How long a tick may be, in ticks, without a look at each watch. */
const USUAL_TICK = 1.25

/** A call of `advance` that is later than this many ticks was held up by the process itself. */
const MAXIMUM_TICKS_AT_ONCE = 2
