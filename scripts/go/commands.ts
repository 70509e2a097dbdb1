/** The commands at the prompt of the dev loop. */

import type { LogLevel } from '../../src/kinds/logger.ts'
import { withNotice } from '../../src/slow-notice.ts'
import type { Dev, LoadedPlan, StartReport, StopReport } from '../../src/system/dev.ts'
import type { ComponentStatus, RefreshOutcome } from '../../src/system/lifecycle.ts'
import type { ResetReport } from '../../src/system/reset-plan.ts'
import { banCommands } from './ban-commands.ts'
import { brokerCommands } from './broker-commands.ts'
import { type Command, type Commands, helpText, shownAs, type Text, UsageError, withUsage } from './command.ts'
import { milliseconds } from './quantities.ts'
import { refreshText, retryText, startText } from './report-text.ts'
import { planText, resetText } from './reset-text.ts'
import { findBroker, findTracer, loggersOf } from './running.ts'
import { statusText } from './status-text.ts'
import { traceCommands } from './trace-commands.ts'
import type { TracePrinter } from './trace-printer.ts'
import { type Ask, userCommands } from './user-commands.ts'
import type { Watches } from './watches.ts'

export interface CommandOptions {
  readonly dev: Dev
  /** Draws the diagram into a file, or prints it and draws it into the usual one. @returns what to print about it. */
  readonly drawGraph: (file: string | undefined, plan?: LoadedPlan) => Promise<string>
  /** Prints for the user while a command runs. */
  readonly print: (text: string) => void
  /** Loads a file, given by its path as the user wrote it. @returns what it exports. */
  readonly loadFile: (file: string) => Promise<object>
  /** Additions to the report of a reset, for example that some changes need a restart. */
  readonly afterReset: () => string | undefined
  /** Called after a start, a reset or a stop, before its report: what components left behind is printed. */
  readonly afterAction?: () => Promise<void>
  /** How many clients the last reset disconnected. */
  readonly disconnected: () => number
  /** Asks for a password at the prompt. */
  readonly ask: Ask
  /** The filters that are watched. They outlive resets. */
  readonly watches: Watches
  /** The traces that are followed. They outlive resets. */
  readonly traces: TracePrinter
}

export const createCommands = (options: CommandOptions): Commands => {
  const { ask, dev, drawGraph, loadFile, traces, watches } = options
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
    ...lifeCommands(options),
    load: {
      usage: "load('x.ts')",
      help: 'loads a file of your own and returns what it exports: const { seed } = await load(...)',
      call: async (file?: unknown) => {
        if (typeof file === 'string' && file !== '') return loadFile(file)
        throw new UsageError("load takes the path of a file: load('seed.ts')")
      },
    },
    status: {
      usage: 'status()',
      help: 'clients, uptime, memory, and the components with their states and numbers',
      more: ['returns the states as a list. system.server and the like are the components themselves.'],
      call: () => status(dev),
    },
    ...brokerCommands(dev, watches),
    ...traceCommands(dev, traces),
    ...userCommands(dev, ask),
    ...banCommands(dev),
    graph: {
      usage: 'graph()',
      help: 'prints what depends on what and how it is, and draws it into system.svg',
      more: [
        "graph('system.png')  draws it into that file: .svg, .png, .dot, .mmd (Mermaid) or .json",
        "graph('plan.svg', await plan())  draws what a reset would do",
      ],
      call: async (file?: unknown, plan?: LoadedPlan) => {
        if (file !== undefined && typeof file !== 'string')
          throw new UsageError("graph takes the name of a file: graph('system.png')")
        return shownAs({}, await drawGraph(file, plan))
      },
    },
    help: { usage: 'help()', help: 'this list', call: () => shownAs({}, (colors) => helpText(commands, colors)) },
    menu: {
      usage: 'menu()',
      help: 'the list of commands, as help()',
      unlisted: true,
      call: () => shownAs({}, (colors) => helpText(commands, colors)),
    },
  }
  withUsage(commands)
  // Without parentheses it prints the same list: the user may not know the syntax yet.
  shownAs((commands['help'] as { readonly call: object }).call, (colors) => helpText(commands, colors))
  return commands
}

/** Start, stop, reset, and the level of the log, which outlives a reset. */
const lifeCommands = ({
  dev,
  print,
  afterAction,
  afterReset,
  disconnected,
  traces,
  watches,
}: CommandOptions): Record<string, Command> => {
  /** Set by `log(level)`. */
  let chosenLevel: LogLevel | undefined

  const noticed = async <T>(action: () => Promise<T>): Promise<T> => {
    try {
      return await withNotice(() => dev.underWay, print, action)
    } finally {
      await afterAction?.()
    }
  }
  const start = async (begin: () => Promise<StartReport>, text: (report: StartReport) => Text) => {
    const before = { broker: findBroker(dev), tracer: findTracer(dev) }
    try {
      const report = await noticed(begin)
      if (chosenLevel !== undefined) for (const logger of loggersOf(dev)) logger.level = chosenLevel
      return shownAs({ ...report }, text(report))
    } finally {
      // Also after a reset that failed: then the previous config was started again.
      const after = { broker: findBroker(dev), tracer: findTracer(dev) }
      if (after.broker !== before.broker) watches.renew(after.broker)
      if (after.tracer !== before.tracer) traces.renew(after.tracer)
    }
  }
  return {
    go: {
      usage: 'go()',
      help: 'loads the code and starts the system',
      call: () => start(dev.go, (report) => (colors) => startText(report, colors)),
    },
    stop: { usage: 'stop()', help: 'stops the system in reverse order', call: () => noticed(() => stop(dev)) },
    reset: {
      usage: 'reset()',
      help: 'loads what has changed and takes it in: what has not changed goes on',
      more: ['plan()  says beforehand what it would do to which component, and to the connections'],
      call: () =>
        start(dev.reset, (report) =>
          [resetText(report, disconnected()), afterReset()].filter((line) => line !== undefined).join('\n'),
        ),
    },
    plan: {
      usage: 'plan()',
      help: 'loads what has changed and says what reset() would do; changes nothing',
      call: async () => {
        const plan = await dev.plan()
        return shownAs({ ...plan }, (colors) => planText(plan, colors))
      },
    },
    retry: {
      usage: 'retry()',
      help: 'starts what failed to start or was blocked (--start available); loads nothing',
      call: () => noticed(() => retry(dev)),
    },
    refresh: {
      usage: 'refresh()',
      help: 'reads the files of all components again: passwords, certificates, keys, rules',
      call: () => refresh(dev),
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
  }
}

const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

const systemMap = ({ state }: Dev): object => {
  if (state.system === undefined) throw new UsageError('there is no system yet: reset() loads and starts one')
  return state.system.map
}

const status = ({ state: { system } }: Dev): readonly ComponentStatus[] => {
  const components = [...(system?.status() ?? [])]
  const usage = process.memoryUsage()
  const nowMs = Date.now()
  return shownAs(components, (colors) => statusText(system, usage, nowMs, colors))
}

const stop = async (dev: Dev): Promise<StopReport> => {
  const report = await dev.stop()
  const text = report.stopped ? `Stopped in ${milliseconds(report.stopMs)}.` : 'Nothing was running.'
  return shownAs({ ...report }, text)
}

const retry = async (dev: Dev): Promise<ResetReport> => {
  if (dev.state.system?.state !== 'running') throw new UsageError('nothing is running: go() starts the system')
  const report = await dev.retry()
  return shownAs({ ...report }, retryText(report, dev.state.system?.status() ?? []))
}

const refresh = async ({ state: { system } }: Dev): Promise<readonly RefreshOutcome[]> => {
  if (system?.state !== 'running') throw new UsageError('nothing is running: go() starts the system')
  const outcomes = [...(await system.refresh())]
  return shownAs(outcomes, refreshText(outcomes))
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
