/** What a second signal adds to 128 for the exit code, as shells do. */
const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
type Signal = keyof typeof numbers

export interface Signals {
  /** Resolves at the first signal. */
  readonly received: Promise<void>
  wasReceived(): boolean
  /** The exit code of the first signal, if there was one. SIGTERM is a regular end, SIGINT is not. */
  exitCode(): number | undefined
  /**
   * Runs the action, which handles SIGINT itself. Node's REPL does so while it evaluates a line, and ends by Ctrl-C if there
   * are listeners for it.
   */
  leaveInterruptTo(action: () => void): void
  dispose(): void
}

/**
 * The first signal asks the program to stop in order, the second one ends the process at once, even if a component hangs.
 * Ctrl-C at a prompt is not a signal but a key.
 */
export const watchSignals = (print: (text: string) => void): Signals => {
  let first: Signal | undefined
  let resolve: () => void
  const received = new Promise<void>((settle) => {
    resolve = settle
  })
  const onSignal = (signal: NodeJS.Signals): void => {
    if (first !== undefined) process.exit(128 + numbers[signal as Signal])
    first = signal as Signal
    print(`${signal}: stopping; once more ends the process at once.`)
    resolve()
  }
  for (const signal of Object.keys(numbers)) process.on(signal, onSignal)
  return {
    received,
    wasReceived: () => first !== undefined,
    exitCode: () => (first === 'SIGINT' ? 128 + numbers.SIGINT : undefined),
    leaveInterruptTo: (action) => {
      process.off('SIGINT', onSignal)
      try {
        action()
      } finally {
        process.off('SIGINT', onSignal).on('SIGINT', onSignal) // Once, also after a call within a call.
      }
    },
    dispose: () => {
      for (const signal of Object.keys(numbers)) process.off(signal, onSignal)
    },
  }
}
