import { vi } from 'vitest'

/** How long a test waits for an event before it fails, in milliseconds. A busy machine can take seconds for anything. */
export const PATIENCE_MS = 30_000

/**
 * Repeats a check until it passes, for a state that no event announces.
 * @returns the result of the check. @throws the last error of the check after `PATIENCE_MS`.
 */
export const eventually = <T>(check: () => T | Promise<T>, everyMs = 5): Promise<T> =>
  vi.waitFor(check, { timeout: PATIENCE_MS, interval: everyMs })

/**
 * Options of a test that has to act before a real interval of the protocol has passed, such as a Session Expiry Interval of 1 s.
 * A machine that stalls for that long makes such a test fail, so that it is repeated. A defect fails each time.
 */
export const withinRealTime = { retry: 2 }
