/** The engine of the dev loop: go, stop and reset. It has no terminal and does not load code itself. */

import type { ComponentScope } from './component-scope.ts'
import type { AnySystemConfig } from './define-system.ts'
import type { DevState } from './dev-state.ts'
import { componentsOf, Generations, type Replacement } from './generations.ts'
import type { CheckedPlan, ResetReport } from './reset-plan.ts'
import { configure, type Setting } from './settings.ts'
import type { StartMode, SuspendedComponent, System } from './system.ts'
import type { SystemReloader } from './system-reloader.ts'
import type { ComponentStatus } from './system-view.ts'
import { createTurns } from './turns.ts'

/** The result of loading the code. */
export interface LoadedConfig {
  /** The default export of the config file, not checked yet. */
  readonly config: unknown
  /** The files that changed since the last load that succeeded, as shown to a person. Empty at the first load. */
  readonly changed: readonly string[]
  /** Those of them that a component is made of. Undefined if the loader cannot tell. */
  readonly filesOf?: (component: object) => readonly string[]
}

export interface DevOptions {
  /** Loads the config file and all code it uses, as far as it changed. It is not called again before it has settled. */
  readonly load: () => Promise<LoadedConfig>
  /** Values of `--set` and of the environment, applied to each loaded config. */
  readonly settings?: readonly Setting[]
  /** Names of `--only`: if there are any, only these components and their dependencies run. */
  readonly only?: readonly string[]
  /** As in `SystemOptions`. */
  readonly start?: StartMode
  /** Called right before a start or a reset, with the running system; undefined if none runs. */
  readonly onReplace?: (running: System | undefined) => void
  /** As in `SystemOptions`. */
  readonly scope?: ComponentScope | undefined
}

/** The report of a `go` or `reset`. All durations are in milliseconds. */
export interface StartReport extends Replacement {
  readonly action: 'go' | 'reset'
  /** False for a `go` that found the system running and did nothing. */
  readonly started: boolean
  readonly loadMs: number
}

/** A plan, and the config that it is for. */
export interface LoadedPlan extends CheckedPlan {
  readonly config: AnySystemConfig
}

export interface StopReport {
  /** False when nothing was running. */
  readonly stopped: boolean
  /** In milliseconds. */
  readonly stopMs: number
}

/**
 * The dev loop. Its actions run one after the other, in the order of the calls. Only `stop` and `close` interrupt a start that
 * is under way, which then fails.
 */
export interface Dev {
  readonly state: Readonly<DevState>
  /** Components that failed starts left suspended, by name. The next start resumes them; a stop releases them. */
  readonly kept: ReadonlyMap<string, SuspendedComponent>
  /** The components that are starting or stopping now, including those of the replaced system. */
  readonly underWay: readonly ComponentStatus[]
  /**
   * Loads the code and starts the system, unless it is running.
   * @throws what the load threw, or a SystemError; nothing is running then.
   */
  go(): Promise<StartReport>
  /**
   * Loads what changed, checks it, and applies it to the running system (`System.apply`): what did not change goes on. Starts a system
   * if none runs.
   * @throws what the load threw, or SystemError CONFIG_INVALID: the running system continues unchanged. RESET_FAILED: the reset was
   * undone, and the previous config is in force with the state that it had. UNDO_FAILED: that failed as well, nothing is running, and
   * the state is kept for the next `go` or `reset`. Any other SystemError: nothing ran before, or `stop` was called meanwhile, and
   * nothing is running.
   */
  reset(): Promise<StartReport>
  /**
   * Starts what failed to start or was blocked (`DevOptions.start` is `available`). Loads no code.
   * @throws Error when nothing runs; SystemError as `System.retry`.
   */
  retry(): Promise<ResetReport>
  /**
   * Loads what changed, checks it, and says what `reset` would do. The running system continues unchanged.
   * @throws what the load threw, or SystemError CONFIG_INVALID.
   */
  plan(): Promise<LoadedPlan>
  /**
   * Stops the system in order and releases suspended components. Does nothing if there are neither.
   * @throws SystemError STOP_FAILED; everything that could be stopped was.
   */
  stop(): Promise<StopReport>
  /** Stops the system permanently: every later action rejects. @throws SystemError STOP_FAILED. */
  close(): Promise<StopReport>
}

export const createDev = ({ load, settings = [], only = [], onReplace, start, scope }: DevOptions): Dev => {
  // A component may ask for a plan or a reset as well, such as the dashboard.
  const reloader: SystemReloader = {
    plan: () => dev.plan(),
    reload: async () => {
      const { reset } = await dev.reset()
      if (reset === undefined) throw new Error('nothing ran any more: the system was started anew')
      return { report: reset, refreshed: [] }
    },
  }
  const generations = new Generations(onReplace, { reloader, scope, ...(start !== undefined && { start }) })
  const { state } = generations
  const inTurn = createTurns()
  let closed = false

  const loadAndCheck = async (): Promise<{ config: AnySystemConfig; loadMs: number }> => {
    const since = performance.now()
    const loaded = await load()
    // Changes are reported even if this attempt ends before a system is made from them.
    state.changed = [...new Set([...state.changed, ...loaded.changed])]
    const config = configure(loaded.config, settings, only)
    for (const [name, { component }] of Object.entries(config)) {
      const files = loaded.filesOf?.(component) ?? []
      changedFiles.set(name, [...new Set([...(changedFiles.get(name) ?? []), ...files])])
    }
    return { config, loadMs: performance.now() - since }
  }
  /** The files of each component that changed and are not in force yet. */
  const changedFiles = new Map<string, readonly string[]>()
  const options = { changedFiles: (name: string): readonly string[] => changedFiles.get(name) ?? [] }
  const checkOpen = (): void => {
    if (closed) throw new Error('the dev loop has ended; start it again with npm run go')
  }

  const replace = async (action: 'go' | 'reset'): Promise<StartReport> => {
    checkOpen()
    const { config, loadMs } = await loadAndCheck()
    const replacement = await generations.replace(config, options)
    changedFiles.clear()
    return { action, started: true, loadMs, ...replacement }
  }

  const stop = (): Promise<StopReport> => {
    const since = performance.now()
    const interrupted = generations.interrupt()
    interrupted?.catch(() => {}) // Awaited below, in its turn.
    return inTurn(async () => {
      await interrupted
      const stopped = (await generations.stop()) || interrupted !== undefined
      return { stopped, stopMs: performance.now() - since }
    })
  }

  const dev: Dev = {
    state,
    get kept() {
      return generations.kept
    },
    get underWay() {
      return generations.underWay
    },
    go: () =>
      inTurn(async () => (generations.running === undefined ? replace('go') : alreadyRunning(generations.running))),
    reset: () => inTurn(() => replace('reset')),
    retry: () =>
      inTurn(() => {
        checkOpen()
        return generations.retry()
      }),
    plan: () =>
      inTurn(async () => {
        checkOpen()
        const { config } = await loadAndCheck()
        return { ...(await generations.plan(config, options)), config }
      }),
    stop,
    close: () => {
      closed = true
      return stop()
    },
  }
  return dev
}

/** The report of a `go` while everything runs. */
const alreadyRunning = (system: System): StartReport => ({
  action: 'go',
  started: false,
  components: componentsOf(system),
  changed: [],
  loadMs: 0,
  startMs: 0,
  stopErrors: [],
})
