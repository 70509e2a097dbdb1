/**
 * Tells whether a time has passed, by a timer of this process. Broker and test are in one process, whose timers end in order:
 * what the broker does later comes later, however busy the machine is. Call it before what it is compared with begins.
 */
export const after = (ms: number): (() => boolean) => {
  let hasPassed = false
  setTimeout(() => {
    hasPassed = true
  }, ms).unref()
  return () => hasPassed
}
