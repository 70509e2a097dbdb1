import { type Standing, standingOf, type TimerWheel, type Watch } from '../../src/collections/timer-wheel.ts'
import { NEVER_EXPIRES } from '../../src/mqtt/session-expiry-interval.ts'

/**
 * The Session Expiry Interval of one session (section 3.1.2.11.2): how long the session outlives its connection. It begins when
 * the connection ends, and the session ends when it is over [MQTT-4.1.0-2].
 */
export class SessionExpiry<S> {
  readonly #session: S
  readonly #wheel: TimerWheel<S>
  #watch: Watch<S> | undefined
  /** In seconds. `NEVER_EXPIRES`: the session never ends. */
  intervalSeconds = 0
  /** When the client disconnected; undefined while it is connected. */
  disconnectedAtMs: number | undefined

  /** @param wheel reports the session when its time is over. @param handed of the predecessor, at a reset. */
  constructor(session: S, wheel: TimerWheel<S>, handed?: ExpiryState) {
    this.#session = session
    this.#wheel = wheel
    if (handed === undefined) return
    this.intervalSeconds = handed.intervalSeconds
    this.disconnectedAtMs = handed.disconnectedAtMs
    if (handed.standing !== undefined) this.#watch = wheel.resume(session, handed.standing)
  }

  /** For a successor. Changes nothing. */
  handOver(): ExpiryState {
    const { intervalSeconds, disconnectedAtMs } = this
    return { intervalSeconds, disconnectedAtMs, standing: standingOf(this.#watch) }
  }

  /** Whether the session outlives its connection. */
  get isPersistent(): boolean {
    return this.intervalSeconds > 0
  }

  /** Begins the interval when the client is away. @param nowMs on the clock of `disconnectedAtMs`. */
  begin(nowMs: number): void {
    if (this.intervalSeconds === NEVER_EXPIRES) return
    const leftMs = timeLeftMs(this.disconnectedAtMs ?? nowMs, this.intervalSeconds, nowMs)
    this.#watch = this.#wheel.watch(this.#session, leftMs, performance.now())
  }

  /** Stops the interval when the client is back or the session has ended. */
  stop(): void {
    if (this.#watch !== undefined) this.#wheel.cancel(this.#watch)
    this.#watch = undefined
  }
}

/** The rest of an interval. It is at least a millisecond, since 0 means no limit. */
export const timeLeftMs = (sinceMs: number, seconds: number, nowMs: number): number =>
  Math.max(1, sinceMs + seconds * 1000 - nowMs)

export interface ExpiryState {
  readonly intervalSeconds: number
  readonly disconnectedAtMs: number | undefined
  readonly standing: Standing | undefined
}
