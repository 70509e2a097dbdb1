/** What can be called at the prompt of the dev loop. */

import type { Logger, LogLevel } from '../../src/kinds/logger.ts'
import { withNotice } from '../../src/slow-notice.ts'
import type { Dev, StartReport, StopReport } from '../../src/system/dev.ts'
import type { ComponentStatus } from '../../src/system/lifecycle.ts'
import { milliseconds, resetText, shownAs, startText, statusText } from './texts.ts'

/** One thing that stands ready at the prompt: a function to call, or a value that is read anew each time. */
export type Command = {
  /** How it is written: `log('debug')`. */
  readonly usage: string
  /** What it does, in a line. */
  readonly help: string
} & ({ readonly call: (...args: never[]) => unknown } | { readonly read: () => unknown })

export interface CommandOptions {
  readonly dev: Dev
  /** Draws the diagram and returns what to print about it. */
  readonly drawGraph: () => Promise<string>
  /** Prints for the user while a command runs. */
  readonly print: (text: string) => void
  /** Loads a file, given by its path as the user wrote it. @returns what it exports. */
  readonly loadFile: (file: string) => Promise<object>
  /** What a reset has to say beside its report: that some of the changes need a restart, for instance. */
  readonly afterReset: () => string | undefined
}

/** What the user asked for makes no sense; the message is all there is to say. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export type Commands = Readonly<Record<string, Command>>

export const createCommands = ({ dev, drawGraph, loadFile, print, afterReset }: CommandOptions): Commands => {
  /** Set by `log(level)`; outlives a reset. */
  let chosenLevel: LogLevel | undefined

  const noticed = <T>(action: () => Promise<T>): Promise<T> => withNotice(() => dev.underWay, print, action)
  const start = async (begin: () => Promise<StartReport>, text: (report: StartReport) => string) => {
    const report = await noticed(begin)
    if (chosenLevel !== undefined) for (const logger of loggersOf(dev)) logger.level = chosenLevel
    return shownAs({ ...report }, text(report))
  }

  const commands: Record<string, Command> = {
    system: {
      usage: 'system',
      help: 'the running components by name: system.server',
      read: () => systemMap(dev),
    },
    config: {
      usage: 'config',
      help: 'the config of the system, with the values of --set',
      read: () => dev.state.config,
    },
    go: { usage: 'go()', help: 'loads the code and starts the system', call: () => start(dev.go, startText) },
    stop: { usage: 'stop()', help: 'stops the system in reverse order', call: () => noticed(() => stop(dev)) },
    reset: {
      usage: 'reset()',
      help: 'loads what has changed and replaces the running system by the new one',
      call: () =>
        start(dev.reset, (report) => [resetText(report), afterReset()].filter((line) => line !== undefined).join('\n')),
    },
    load: {
      usage: "load('x.ts')",
      help: 'loads a file of your own and returns what it exports: const { seed } = await load(...)',
      call: async (file?: unknown) => {
        if (typeof file === 'string' && file !== '') return loadFile(file)
        throw new UsageError("load takes the path of a file: load('seed.ts')")
      },
    },
    graph: {
      usage: 'graph()',
      help: 'prints what depends on what and how it is, and draws it into system.svg',
      call: async () => shownAs({}, await drawGraph()),
    },
    status: {
      usage: 'status()',
      help: 'a table of the components and their states',
      call: () => status(dev),
    },
    log: {
      usage: "log('debug')",
      help: `sets the level of the log (${logLevels.join(', ')}); log() tells it`,
      call: (level?: LogLevel) => {
        if (level !== undefined) checkLevel(level)
        chosenLevel = level ?? chosenLevel
        return setLevel(dev, level)
      },
    },
    menu: { usage: 'menu()', help: 'this list', call: () => shownAs({}, menuText(commands)) },
  }
  return commands
}

/** The commands, each with a line that says what it does. */
export const menuText = (commands: Commands): string => {
  const rows: [string, string][] = Object.values(commands).map(({ usage, help }) => [usage, help])
  rows.push(['.exit', 'stops the system and leaves; so do Ctrl-D, and Ctrl-C pressed twice'])
  const width = Math.max(...rows.map(([usage]) => usage.length))
  return rows.map(([usage, help]) => `  ${usage.padEnd(width)}  ${help}`).join('\n')
}

const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

const systemMap = ({ state }: Dev): object => {
  if (state.system === undefined) throw new UsageError('there is no system yet: reset() loads and starts one')
  return state.system.map
}

const status = ({ state }: Dev): readonly ComponentStatus[] => {
  const components = [...(state.system?.status() ?? [])]
  return shownAs(components, statusText(components))
}

const stop = async (dev: Dev): Promise<StopReport> => {
  const report = await dev.stop()
  const text = report.stopped ? `Stopped in ${milliseconds(report.stopMs)}.` : 'Nothing was running.'
  return shownAs({ ...report }, text)
}

const checkLevel = (level: unknown): void => {
  if ((logLevels as readonly unknown[]).includes(level)) return
  throw new UsageError(`there is no level ${JSON.stringify(level)}; there are ${logLevels.join(', ')}`)
}

const setLevel = (dev: Dev, level: LogLevel | undefined): object => {
  const loggers = loggersOf(dev)
  if (level !== undefined) for (const logger of loggers) logger.level = level
  const text =
    loggers.length === 0 ? 'No logger is running.' : `The log is at ${loggers.map((each) => each.level).join(', ')}.`
  return shownAs({}, text)
}

/** The running components of the kind Logger. */
const loggersOf = ({ state: { system } }: Dev): Logger[] => {
  if (system === undefined) return []
  const map = system.map as Readonly<Record<string, unknown>>
  const running = system.status().filter(({ kind, state }) => kind === 'Logger' && state === 'running')
  return running.map(({ name }) => map[name] as Logger)
}
