/** The engine of the dev loop: go, stop and reset, without a terminal and without knowing how code is loaded. */

import type { AnySystemConfig } from './define-system.ts'
import { createDevState, type DevState } from './dev-state.ts'
import { type ComponentStatus, createSystem, type Suspended, type System } from './lifecycle.ts'
import { configure } from './settings.ts'

/** What a load of the code brings. */
export interface LoadedConfig {
  /** The default export of the config file, as yet unchecked. */
  readonly config: unknown
  /** The files that changed since the last load that succeeded, as a person names them. Empty at the first load. */
  readonly changed: readonly string[]
}

export interface DevOptions {
  /** Loads the config file and all code it uses, as far as it changed. It is not called again before it has settled. */
  readonly load: () => Promise<LoadedConfig>
  /** Values of `--set`, applied to whatever is loaded. */
  readonly settings?: readonly string[]
}

/** How a `go` or `reset` went. All durations are in milliseconds. */
export interface StartReport {
  readonly action: 'go' | 'reset'
  /** False for a `go` that found the system running and did nothing. */
  readonly started: boolean
  /** The enabled components in the order in which they start. */
  readonly components: readonly ComponentStatus[]
  readonly changed: readonly string[]
  readonly loadMs: number
  /** How long the predecessor took to suspend or stop. */
  readonly stopMs: number
  readonly startMs: number
  /** What failed while the predecessor was suspended or stopped; the successor was started all the same. */
  readonly stopErrors: readonly unknown[]
}

export interface StopReport {
  /** False when nothing was running. */
  readonly stopped: boolean
  /** In milliseconds. */
  readonly stopMs: number
}

/**
 * The dev loop. Its actions run one after the other, in the order of the calls; only `stop` and `close` reach into a start
 * that is under way, which then fails as interrupted.
 */
export interface Dev {
  readonly state: Readonly<DevState>
  /**
   * Loads the code and starts the system, unless it is running.
   * @throws what the load threw, or a SystemError; nothing is running then.
   */
  go(): Promise<StartReport>
  /**
   * Loads what changed, checks it, and replaces the running system by a new one.
   * @throws what the load threw, or SystemError CONFIG_INVALID: the system from before runs on, untouched. Any other
   * SystemError means that the new system did not start: nothing is running, and a `reset` after a fix recovers.
   */
  reset(): Promise<StartReport>
  /**
   * Stops the system in order; nothing happens when none is running.
   * @throws SystemError STOP_FAILED; everything that could be stopped was.
   */
  stop(): Promise<StopReport>
  /** Stops the system for good: every action after it rejects. @throws SystemError STOP_FAILED. */
  close(): Promise<StopReport>
}

export const createDev = ({ load, settings = [] }: DevOptions): Dev => {
  const state = createDevState()
  const inTurn = createTurns()
  let closed = false

  const loadAndCheck = async (): Promise<{ config: AnySystemConfig; loadMs: number }> => {
    const since = performance.now()
    const loaded = await load()
    // Changes reach the report even when this attempt ends before a system is made of them.
    state.changed = [...new Set([...state.changed, ...loaded.changed])]
    return { config: configure(loaded.config, settings), loadMs: performance.now() - since }
  }

  const start = async (config: AnySystemConfig, suspended: Suspended | undefined): Promise<Started> => {
    const system: System = createSystem(config, suspended && { suspended })
    const { changed } = state
    Object.assign(state, { config, system, generation: state.generation + 1, changed: [] } satisfies DevState)
    const since = performance.now()
    await system.start()
    return { components: inOrder(system), changed, startMs: performance.now() - since }
  }

  const replace = async (action: 'go' | 'reset'): Promise<StartReport> => {
    if (closed) throw new Error('the dev loop has ended; start it again with npm run go')
    const { config, loadMs } = await loadAndCheck()
    const since = performance.now()
    const suspended = isUp(state.system) ? await state.system.suspend() : undefined
    const stopMs = performance.now() - since
    const started = await start(config, suspended)
    return { action, started: true, loadMs, stopMs, stopErrors: suspended?.errors ?? [], ...started }
  }

  const stop = (): Promise<StopReport> => {
    const since = performance.now()
    // A start that is under way would hold the stop up until its deadline.
    const interrupted = state.system?.state === 'starting' ? state.system.stop() : undefined
    interrupted?.catch(() => {}) // Awaited below, in its turn.
    return inTurn(async () => {
      await interrupted
      const running = isUp(state.system)
      if (running) await state.system?.stop()
      return { stopped: running || interrupted !== undefined, stopMs: performance.now() - since }
    })
  }

  return {
    state,
    go: () => inTurn(async () => (isUp(state.system) ? alreadyRunning(state.system) : replace('go'))),
    reset: () => inTurn(() => replace('reset')),
    stop,
    close: () => {
      closed = true
      return stop()
    },
  }
}

type Started = Pick<StartReport, 'components' | 'changed' | 'startMs'>

const isUp = (system: System | undefined): system is System => system?.state === 'running'

/** The report of a `go` that found everything running. */
const alreadyRunning = (system: System): StartReport => ({
  action: 'go',
  started: false,
  components: inOrder(system),
  changed: [],
  loadMs: 0,
  stopMs: 0,
  startMs: 0,
  stopErrors: [],
})

/** The components that take part, which `status` lists in the order in which they start. */
const inOrder = (system: System): readonly ComponentStatus[] => system.status().slice(0, system.order.length)

/** Runs actions one after the other, in the order of the calls. */
const createTurns = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const mine = last.then(action)
    last = mine.catch(() => {}) // Its caller hears of the failure; the next action goes on regardless.
    return mine
  }
}
