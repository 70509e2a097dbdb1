/** Runs a system in a process: starts it, obeys signals, and stops it. */

import { isatty } from 'node:tty'
import { exitCodes } from './command-line.ts'
import { packageVersion } from './files/package-version.ts'
import type { HostProcess } from './host-process.ts'
import { reloadLines } from './reload-text.ts'
import { say } from './say.ts'
import { withNotice } from './slow-notice.ts'
import { formatError } from './system/format-error.ts'
import type { System } from './system/lifecycle.ts'
import { SystemError } from './system/system-error.ts'

/** How long a stop after an escaped error may take, in milliseconds. A broken component may hang. */
const crashStopMs = 5_000

/** Why a run ends. */
type Ending =
  | { readonly reason: 'signal'; readonly signal: NodeJS.Signals }
  | { readonly reason: 'crash' }
  | { readonly reason: 'failed start' | 'failed reset'; readonly error: unknown }

/**
 * Starts a system, runs it until a signal or an escaped error, and stops it. At SIGHUP its config is read again, if it has a reloader.
 * @param host the process whose signals are obeyed. Its listeners are removed again.
 * @param isTerminal whether a descriptor is a terminal now.
 * @returns the code to exit with: 0 after a signal (3 if the system was degraded then), `hangupCode` after the terminal was closed, 1 when the start or the stop
 * failed, 70 after an escaped error.
 */
export const runSystem = async (
  system: System,
  host: HostProcess,
  isTerminal: (descriptor: number) => boolean = isatty,
): Promise<number> => {
  const end = watchForEnd(host, isTerminal, () => void reload(system))
  // A process in which nothing runs must not look alive: its supervisor starts it again.
  if (system.reloader !== undefined) system.reloader.onUndoFailed = (error) => end.failedReset(error)
  // Timers and sockets of the components may not keep the process alive.
  const keepAlive = setInterval(() => {}, 2 ** 30)
  try {
    const since = performance.now()
    const start = noticed(system, () => system.start()).then(
      () => undefined,
      (error: unknown): Ending => ({ reason: 'failed start', error }),
    )
    let ending = await Promise.race([start, end.promise])
    if (ending === undefined) {
      for (const text of startErrors(system)) say(text, 'error')
      say(readyText(system, performance.now() - since), system.degraded ? 'warn' : 'info')
      ending = await end.promise
    }
    const code = await finish(system, ending)
    // An error may also escape while a signal is handled.
    return end.hasCrashed() ? exitCodes.crashed : code
  } finally {
    clearInterval(keepAlive)
    end.dispose()
  }
}

/** Applies what changed in the config and in the files that it names, and writes the results. Never rejects. */
const reload = async (system: System): Promise<void> => {
  if (system.state !== 'running') return say(`SIGHUP: nothing was read again: the system is ${system.state}.`, 'warn')
  try {
    const reloaded = await system.reloader?.reload()
    if (reloaded === undefined) return
    for (const { error } of reloaded.refreshed) if (error !== undefined) say(`SIGHUP: ${error}`, 'error')
    for (const error of reloaded.report.errors) say(`SIGHUP: ${formatError(error)}`, 'error')
    for (const line of reloadLines(reloaded)) say(`SIGHUP: ${line}`)
    if (system.degraded) say(`SIGHUP: running without ${missingNames(system).join(', ')}`, 'warn')
  } catch (error) {
    // What could not be undone is not known: an operator has to restart the process.
    const isKnown = !(error instanceof SystemError) || error.undoErrors.length === 0
    say(`SIGHUP: ${formatError(error)}`, isKnown ? 'error' : 'fatal')
  }
}

const readyText = (system: System, startMs: number): string => {
  const parts = system.status().filter(({ state }) => state === 'running')
  const listed = parts.map(({ name, description }) => (description ? `${name} (${description})` : name)).join(', ')
  const without = system.degraded ? ` without ${missingNames(system).join(', ')}` : ''
  return `mqtt-jig ${packageVersion()} is running${without}, started in ${startMs.toFixed(0)} ms: ${listed}`
}

/** The components that should run and do not. */
const missingNames = (system: System): readonly string[] =>
  system.status().flatMap(({ name, state }) => (state === 'running' || state === 'disabled' ? [] : [name]))

/** Why components did not start, with what is blocked by each. */
const startErrors = (system: System): readonly string[] =>
  system.status().flatMap(({ state, error }) => (state === 'failed' ? [formatError(error)] : []))

/** Stops what runs. @returns the code to exit with. */
const finish = async (system: System, ending: Ending): Promise<number> => {
  if (ending.reason === 'failed start' || ending.reason === 'failed reset') {
    say(formatError(ending.error), 'fatal')
    return exitCodes.failed
  }
  if (ending.reason === 'signal') say(`${ending.signal}: stopping`)
  const stopped = system.degraded ? exitCodes.degraded : exitCodes.ok
  try {
    const stop = noticed(system, () => system.stop())
    await (ending.reason === 'crash' ? within(stop, crashStopMs) : stop)
    return ending.reason === 'signal' && ending.signal === 'SIGHUP' ? hangupCode : stopped
  } catch (error) {
    say(formatError(error), 'error')
    return exitCodes.failed
  }
}

/** Prints the components that a slow start or stop waits for. */
const noticed = (system: System, action: () => Promise<void>): Promise<void> =>
  withNotice(
    () => system.status(),
    (text) => say(text, 'warn'),
    action,
  )

const within = (promise: Promise<void>, limitMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    const error = new Error(`the system did not stop within ${limitMs} ms after the error; leaving it`)
    timer = setTimeout(reject, limitMs, error)
  })
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer))
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const
/** The exit code after the terminal was closed. */
export const hangupCode = 128 + 1

/**
 * Resolves with the first signal or escaped error; the second signal ends the process at once.
 * @param onRefresh called when SIGHUP asks for a refresh.
 */
const watchForEnd = (
  host: HostProcess,
  isTerminal: (descriptor: number) => boolean,
  onRefresh: () => void,
): {
  readonly promise: Promise<Ending>
  hasCrashed(): boolean
  failedReset(error: unknown): void
  dispose(): void
} => {
  let resolve: (ending: Ending) => void
  const promise = new Promise<Ending>((settle) => {
    resolve = settle
  })
  let ended = false
  let crashed = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (ended) host.exit(128 + signalNumbers[signal as keyof typeof signalNumbers])
    ended = true
    resolve({ reason: 'signal', signal })
  }
  const onHangup = hangupHandler(isTerminal, (signal) => resolve({ reason: 'signal', signal }), onRefresh)
  const onCrash = (error: unknown): void => {
    const text = 'An error escaped from a component, so that the state of the system is not known; stopping.'
    say(`${text}\n${stackOf(error)}`, 'fatal')
    ended = true
    crashed = true
    resolve({ reason: 'crash' })
  }
  // An unhandled rejection arrives as an uncaught exception, which is Node's default.
  host.on('uncaughtException', onCrash).on('SIGINT', onSignal).on('SIGTERM', onSignal).on('SIGHUP', onHangup)
  return {
    promise,
    hasCrashed: () => crashed,
    failedReset: (error) => resolve({ reason: 'failed reset', error }),
    dispose: () => {
      host.off('uncaughtException', onCrash).off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onHangup)
    },
  }
}

/**
 * SIGHUP means two things: an operator asks for a refresh, or the terminal has been closed. After the terminal was closed,
 * its descriptor is no terminal any more. The shell and the kernel may both send the signal, so a second SIGHUP does not end the
 * process at once.
 */
const hangupHandler = (
  isTerminal: (descriptor: number) => boolean,
  stop: (signal: NodeJS.Signals) => void,
  refresh: () => void,
): (() => void) => {
  const inTerminal = isTerminal(0)
  return () => {
    if (inTerminal && !isTerminal(0)) stop('SIGHUP')
    else refresh()
  }
}

/** An escaped error is a mistake in the code. The stack shows its place. */
const stackOf = (error: unknown): string => (error instanceof Error && error.stack) || formatError(error)
