/**
 * Tells whether a time has passed, by a timer of this process. Broker and test are in one process, whose timers end in order,
 * so a busy machine does not change the order of events. Call it before the measured interval begins.
 */
export const after = (ms: number): (() => boolean) => {
  let hasPassed = false
  setTimeout(() => {
    hasPassed = true
  }, ms).unref()
  return () => hasPassed
}
