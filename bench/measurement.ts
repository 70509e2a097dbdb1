/** Common parts of the commands that measure a broker. */

export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** A parsed command line. */
export type Command<O> =
  | { readonly kind: 'options'; readonly options: O }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'mistake'; readonly text: string }

/**
 * Runs a command with its options, or prints its help or the mistake in the command line.
 * @returns the exit code.
 */
export const runCommand = async <O>(command: Command<O>, run: (options: O) => Promise<number>): Promise<number> => {
  if (command.kind === 'options') return run(command.options)
  if (command.kind === 'help') console.log(command.text)
  else console.error(command.text)
  return command.kind === 'help' ? exitCodes.ok : exitCodes.usage
}

/**
 * Runs a measurement until it ends or the user interrupts it.
 * @returns the exit code; 1 when the measurement throws, which is printed.
 */
export const runMeasurement = async (measure: () => Promise<number>): Promise<number> => {
  // Child processes end with this process, by listeners of its exit.
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
