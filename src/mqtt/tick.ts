import { TimerWheel } from '../collections/timer-wheel.ts'

/**
 * The interval of the timer, in milliseconds. Silence is noticed at most two intervals and a quarter late. Ends of sessions and delays of
 * Wills are noticed at most one interval late. The documentation promises half a second, which leaves 50 ms for other work of
 * the process.
 */
export const TICK_MS = 200

/** Somewhat more than two minutes. Longer waits are rare and are examined once in each turn of the wheel. */
const WHEEL_SLOTS = 640

/**
 * A wheel to be advanced every `TICK_MS`.
 * @param nowMs the time on the clock that `advance` will use.
 * @param waitsForReads false if the watched time does not depend on what clients send, see `TimerWheel`.
 */
export const timerWheel = <T>(nowMs: number, waitsForReads: boolean): TimerWheel<T> =>
  new TimerWheel(nowMs, TICK_MS, WHEEL_SLOTS, waitsForReads)
