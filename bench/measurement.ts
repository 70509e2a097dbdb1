/** What the commands that measure a broker have in common. */

export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/**
 * Runs a measurement until it ends or the user interrupts it.
 * @returns the exit code; 1 when the measurement throws, which is printed.
 */
export const runMeasurement = async (measure: () => Promise<number>): Promise<number> => {
  // Everything that was started ends with this process, by what listens to its exit.
  const stop = () => process.exit(exitCodes.interrupted)
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    return await measure()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return exitCodes.failed
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
