import { TimerWheel } from '../collections/timer-wheel.ts'

/**
 * How exactly silence is noticed, in milliseconds: at most two of these after the time allowed. Ends of sessions and delays of
 * Wills are noticed at most one of them late. The page says half a second: that leaves 100 ms for what else the process does.
 */
export const TICK_MS = 200

/** Some more than two minutes. Longer waits, which are rare, are looked at once in each turn of the wheel. */
const WHEEL_SLOTS = 640

/**
 * A wheel to be advanced every `TICK_MS`.
 * @param nowMs the time on the clock that `advance` will use.
 * @param waitsForReads false where what is watched does not depend on what clients send, see `TimerWheel`.
 */
export const timerWheel = <T>(nowMs: number, waitsForReads: boolean): TimerWheel<T> =>
  new TimerWheel(nowMs, TICK_MS, WHEEL_SLOTS, waitsForReads)
