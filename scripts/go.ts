/** `mqtt-jig go`, and `npm run go` in a checkout: runs the system under a prompt at which it can be changed while it runs. */

import { writeFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { inspect } from 'node:util'
import {
  exitCodes,
  type Program,
  packageDirectory,
  parseCommandLine,
  startModeOf,
  startOption,
} from '../src/command-line.ts'
import { packageVersion } from '../src/files/package-version.ts'
import { leaveProcess } from '../src/leave-process.ts'
import { withNotice } from '../src/slow-notice.ts'
import { createDev, type Dev, type LoadedPlan } from '../src/system/dev.ts'
import { formatError } from '../src/system/format-error.ts'
import { systemGraph, toDot, toText } from '../src/system/graph.ts'
import { messageOf } from '../src/system/system-error.ts'
import { endWatches } from './go/broker-commands.ts'
import type { CodeLoader } from './go/code-loader.ts'
import { type Commands, UsageError } from './go/command.ts'
import { createCommands } from './go/commands.ts'
import type { LeakWatch } from './go/leak-watch.ts'
import { LoadError } from './go/load-error.ts'
import { createLoader, isCheckout } from './go/loader.ts'
import { watchOutsideCode } from './go/outside-code.ts'
import { openPrompt, type Prompt } from './go/prompt.ts'
import { configText, stateText } from './go/report-text.ts'
import { resetOnSave } from './go/reset-on-save.ts'
import { clientsOf } from './go/running.ts'
import { showValue } from './go/show-value.ts'
import { endTraces } from './go/trace-commands.ts'
import { TracePrinter } from './go/trace-printer.ts'
import type { Ask } from './go/user-commands.ts'
import { type FileWatch, watchFiles } from './go/watch-files.ts'
import { watchLeaks } from './go/watch-leaks.ts'
import { type Signals, watchSignals } from './go/watch-signals.ts'
import { Watches } from './go/watches.ts'
import { formatOf, writers } from './graph/formats.ts'
import { missingPackage } from './graph/missing-package.ts'

const root = packageDirectory()

const program: Program = {
  name: 'npm run go --',
  summary: 'Starts the system and opens a prompt at which code and config can be reloaded: help() lists the commands.',
  options: { ...startOption, watch: { type: 'boolean', description: 'reload whenever a file is saved' } },
}

/** @returns the code to exit with: 1 when the system did not stop cleanly or, with piped input, anything failed. */
export const main = async (args: readonly string[], called: Partial<Pick<Program, 'name'>> = {}): Promise<number> => {
  const commandLine = parseCommandLine(args, { ...program, ...called })
  if (commandLine.action === 'exit') {
    const stream = commandLine.code === exitCodes.ok ? process.stdout : process.stderr
    stream.write(`${commandLine.text}\n`)
    return commandLine.code
  }
  // The reader of the output may end first (`| head`). The system is still stopped in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const { configFile, settings, only, options } = commandLine
  const { loader, notice } = await createLoader(configFile)
  let disconnected = 0
  const leaks = watchLeaks(loader, configFile, (text) => session.print(text))
  const dev = createDev({
    load: loader.load,
    settings,
    only,
    start: startModeOf(options),
    scope: leaks,
    onReplace: (running) => {
      disconnected = clientsOf(running) ?? 0
    },
  })
  const watches = new Watches({ print: (text) => session.print(text), colors: hasColors })
  const traces = new TracePrinter((text) => session.print(text))
  const outsideCode = watchOutsideCode(root)
  const commands = createCommands({
    dev,
    drawGraph: (file, plan) => (file === undefined ? drawGraph(dev) : drawGraphInto(file, dev, plan)),
    loadFile: (file) => loader.loadFile(resolve(file)).catch(refuse),
    print: (text) => session.print(text),
    afterReset: outsideCode,
    disconnected: () => disconnected,
    ask: (question) => session.ask(question),
    watches,
    traces,
    afterAction: () => leaks?.settled() ?? Promise.resolve(),
  })
  const session: Session = {
    dev,
    loader,
    commands,
    watches,
    traces,
    disconnected: () => disconnected,
    print: (text) => console.log(text),
    ask: () => Promise.resolve(undefined),
  }
  const signals = watchSignals((text) => session.print(text))
  process.on('uncaughtException', (error) =>
    session.print(`An error escaped from a component:\n${(error as Partial<Error>)?.stack ?? formatError(error)}`),
  )

  console.log(`mqtt-jig ${packageVersion()}, ${relative(process.cwd(), configFile)}`)
  if (notice !== undefined) console.log(notice)
  const started = attempt(session, 'go')
  const startFailed = (await Promise.race([started, signals.received])) === false
  let failed = false
  if (!signals.wasReceived()) {
    const prompt = open(session, signals)
    session.print = prompt.print
    session.ask = prompt.ask
    const watching =
      options['watch'] === true ? watch(session, dirname(configFile), outsideCode, !startFailed) : undefined
    await Promise.race([prompt.closed, signals.received])
    watching?.close()
    watches.end()
    traces.end()
    session.print = (text) => console.log(text)
    prompt.close()
    failed = !isTerminal() && (startFailed || prompt.failed)
  }
  process.stdin.destroy() // The input is not read any more, and an open pipe would keep the process alive.
  const stopped = await close(dev, loader, leaks)
  signals.dispose()
  const code = signals.exitCode() ?? (stopped && !failed ? exitCodes.ok : exitCodes.failed)
  leaveProcess(code)
  return code
}

interface Session {
  readonly dev: Dev
  readonly loader: CodeLoader
  readonly commands: Commands
  readonly watches: Watches
  readonly traces: TracePrinter
  /** How many clients the last reset disconnected. */
  readonly disconnected: () => number
  /** Prints for the user, above the prompt once there is one. */
  print: (text: string) => void
  /** Asks for a password, once there is a prompt. */
  ask: Ask
}

/** Whether the terminal shows colours, and the user wants them (NO_COLOR). Never over a pipe. */
const hasColors = (): boolean => isTerminal() && process.stdout.hasColors()

const isTerminal = (): boolean => process.stdin.isTTY === true && process.stdout.isTTY === true

/** Runs a command that starts the system and prints its report. @returns false when it failed. */
const attempt = async (session: Session, name: 'go' | 'reset'): Promise<boolean> => {
  const { commands, print } = session
  const command = commands[name] as { readonly call: () => Promise<object> }
  try {
    print(inspect(await command.call(), { colors: hasColors() }))
    return true
  } catch (error) {
    print(describeError(session, error))
    return false
  }
}

const open = (session: Session, signals: Signals): Prompt => {
  const { dev, commands, traces, watches } = session
  if (isTerminal()) console.log('help() lists the commands.')
  return openPrompt({
    input: process.stdin,
    output: process.stdout,
    shared: [process.stdout, process.stderr].filter((stream) => stream.isTTY),
    terminal: isTerminal(),
    commands,
    components: () => componentsOf(dev),
    formatError: (error) => describeError(session, error),
    formatValue: (value, colors) => formatValue(dev, value, colors),
    onInterrupt: () => {
      const ended = [endWatches(watches), endTraces(traces)].filter((text) => text !== undefined)
      return ended.length === 0 ? undefined : ended.join('\n')
    },
    duringEvaluation: signals.leaveInterruptTo,
    historyFile: resolve(isCheckout ? root : process.cwd(), '.jig/history'),
  })
}

const componentsOf = ({ state }: Dev): Readonly<Record<string, unknown>> =>
  (state.system?.map as Readonly<Record<string, unknown>> | undefined) ?? {}

/** The config, the system and its components have their own output: they are large, and their parts are read by name. */
const formatValue = (dev: Dev, value: unknown, colors: boolean): string | undefined => {
  if (typeof value !== 'object' || value === null) return undefined
  if (value === dev.state.config) return configText(dev.state.config, colors)
  if (value === dev.state.system?.map) return showValue(value, colors, 0)
  return Object.values(componentsOf(dev)).includes(value) ? showValue(value, colors, 1) : undefined
}

/** @param started false if the saved code did not start: the next save is awaited then. */
const watch = (
  session: Session,
  configFolder: string,
  outsideCode: () => string | undefined,
  started: boolean,
): FileWatch => {
  const onSave = resetOnSave({
    isStale: session.loader.isStale,
    reset: async () => {
      await attempt(session, 'reset')
    },
    onOther: () => {
      const notice = outsideCode()
      if (notice !== undefined) session.print(notice)
    },
  })
  const onError = (error: unknown): void => session.print(`Not all files are watched: ${formatError(error)}`)
  const folders = [resolve(root, 'src'), resolve(root, 'components'), configFolder]
  const watching = watchFiles(folders, () => void onSave(), onError)
  // Saves during the start of the system were not noticed.
  if (started && session.loader.isStale()) void onSave()
  return watching
}

/** A file of the user that does not load does not concern the system. */
const refuse = (error: Error): never => {
  throw new UsageError(error.message, { cause: error })
}

/** Codes of errors after which the user wants to know what is running now. */
const reloadErrors = new Set([
  'LOAD_FAILED',
  'CONFIG_INVALID',
  'START_FAILED',
  'START_TIMED_OUT',
  'START_RETURNED_NOTHING',
  'RESET_FAILED',
  'UNDO_FAILED',
])

const describeError = ({ dev, disconnected }: Session, error: unknown): string => {
  const code = (error as { code?: unknown } | null | undefined)?.code
  // The messages of these errors are complete. The cause of a LoadError repeats the message in the words of the compiler.
  const isSaid = error instanceof LoadError || error instanceof UsageError
  const text = isSaid ? error.message : formatError(error)
  if (!reloadErrors.has(String(code))) return text
  // A reset that was undone at once has disconnected no client.
  const lost = Math.max(0, disconnected() - (clientsOf(dev.state.system) ?? 0))
  return `${text}\n${stateText(dev, String(code), lost)}`
}

const noSystem = 'there is no system yet; `npm run graph` also draws a config that does not start'

/** Prints the tree of the components and draws the diagram. */
const drawGraph = async ({ state }: Dev): Promise<string> => {
  if (state.config === undefined) {
    throw new UsageError(noSystem)
  }
  const graph = systemGraph(state.config, state.system?.status())
  try {
    // Loaded when it is used: Graphviz is large, and need not be installed.
    const { renderSvg } = await import('./graph/render.ts')
    await writeFile('system.svg', await renderSvg(toDot(graph)))
    return `${toText(graph)}Drawn in system.svg.`
  } catch (error) {
    const missing = missingPackage(error)
    if (missing === undefined) throw error
    return `${toText(graph)}${missing}`
  }
}

/** Draws the diagram into a file, in the format that its name says: of a plan, if one is given, or of what runs. */
const drawGraphInto = async (file: string, { state }: Dev, plan: LoadedPlan | undefined): Promise<string> => {
  const format = formatOf(file)
  if (format === undefined)
    throw new UsageError(`the name '${file}' does not tell the format: .svg, .png, .dot, .mmd or .json`)
  if (state.config === undefined) throw new UsageError(noSystem)
  const graph =
    plan === undefined ? systemGraph(state.config, state.system?.status()) : systemGraph(plan.config, [], plan)
  try {
    await writeFile(file, await writers[format](graph))
  } catch (error) {
    throw new UsageError(missingPackage(error) ?? messageOf(error), { cause: error })
  }
  return `Drawn in ${file}.`
}

/** @returns false when the system did not stop cleanly. */
const close = async (dev: Dev, loader: CodeLoader, leaks: LeakWatch | undefined): Promise<boolean> => {
  try {
    const { stopped, stopMs } = await withNotice(
      () => dev.underWay,
      (text) => console.log(text),
      dev.close,
    )
    await leaks?.settled()
    if (stopped) console.log(`Stopped in ${stopMs.toFixed(0)} ms.`)
    return true
  } catch (error) {
    console.log(formatError(error))
    return false
  } finally {
    leaks?.close()
    await loader.close()
  }
}
