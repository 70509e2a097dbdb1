/** The system of the dev loop: its start, its resets, and another one after it has been stopped. */

import type { AnySystemConfig } from './define-system.ts'
import { createDevState, type DevState } from './dev-state.ts'
import { createSystem } from './lifecycle.ts'
import type { CheckedPlan, ResetOptions, ResetReport } from './reset-plan.ts'
import type { Suspended, SuspendedComponent, System, SystemOptions } from './system.ts'
import type { ComponentStatus } from './system-view.ts'

/** The report of a start or a reset. Durations are in milliseconds. */
export interface Replacement {
  /** The enabled components in the order in which they start. */
  readonly components: readonly ComponentStatus[]
  readonly changed: readonly string[]
  readonly startMs: number
  /** What a reset of a running system did; undefined when nothing ran before. */
  readonly reset?: ResetReport | undefined
  /** Errors of components that were ended. The others were started nevertheless. */
  readonly stopErrors: readonly unknown[]
}

const nothing: Suspended = { components: new Map(), errors: [] }

export class Generations {
  readonly state: DevState = createDevState()
  readonly #onReplace: (running: System | undefined) => void
  readonly #options: SystemOptions
  /** Suspended components. They are discarded only when a system that resumed them runs, or when the user stops. */
  #kept: Suspended = nothing
  #resetting = false

  /**
   * @param onReplace called right before a start or a reset, with the running system if there is one.
   * @param options of each system.
   */
  constructor(onReplace: (running: System | undefined) => void = () => {}, options: SystemOptions = {}) {
    this.#onReplace = onReplace
    this.#options = options
  }

  /** Components that failed starts left suspended, by name. */
  get kept(): ReadonlyMap<string, SuspendedComponent> {
    return this.#kept.components
  }

  /** The components that are starting or stopping now, in the order in which they began. */
  get underWay(): readonly ComponentStatus[] {
    return this.state.system?.underWay ?? []
  }

  /** The current system, if it is running. */
  get running(): System | undefined {
    return this.state.system?.state === 'running' ? this.state.system : undefined
  }

  /** What `replace` would do. Changes nothing. */
  plan(config: AnySystemConfig, options: Pick<ResetOptions, 'changedFiles'>): Promise<CheckedPlan> {
    return (this.running ?? createSystem(config)).plan(config, options)
  }

  /**
   * Resets the running system to a config; starts a new system if none runs.
   *
   * @throws SystemError RESET_FAILED: the previous config is in force. UNDO_FAILED: nothing runs, and the state is kept for the next
   * call. If nothing ran before, or a stop was requested meanwhile: the error of the start; nothing runs.
   */
  async replace(config: AnySystemConfig, options: Pick<ResetOptions, 'changedFiles'>): Promise<Replacement> {
    const { running } = this
    this.#onReplace(running)
    return running === undefined ? this.#start(config) : this.#reset(running, config, options)
  }

  /** Ends a start or reset that is under way, so that a stop need not wait for its deadline. @returns undefined when none is. */
  interrupt(): Promise<void> | undefined {
    const { system } = this.state
    return this.#resetting || system?.state === 'starting' ? system?.stop() : undefined
  }

  /**
   * Stops the running system and releases suspended components.
   * @returns false if there were neither.
   * @throws SystemError STOP_FAILED; everything that could be stopped was.
   */
  async stop(): Promise<boolean> {
    if (this.running === undefined && this.kept.size === 0) return false
    this.#kept = nothing
    await this.state.system?.stop()
    return true
  }

  /**
   * Starts a system that resumes the suspended components. If it does not start, the components that it left suspended are
   * kept.
   */
  async #start(config: AnySystemConfig): Promise<Replacement> {
    const { changed, generation } = this.state
    const system: System = createSystem(config, { ...this.#options, suspended: this.#kept })
    Object.assign(this.state, { config, system, generation: generation + 1, changed: [] } satisfies DevState)
    const since = performance.now()
    try {
      await system.start()
    } catch (error) {
      this.#kept = await system.suspend()
      this.state.changed = changed
      throw error
    }
    this.#kept = nothing
    return { components: componentsOf(system), changed, startMs: performance.now() - since, stopErrors: [] }
  }

  /** Starts what does not run of the running system. @throws Error when none runs; SystemError as `System.retry`. */
  async retry(): Promise<ResetReport> {
    if (this.running === undefined) throw new Error('nothing is running')
    this.#resetting = true
    try {
      return await this.running.retry()
    } finally {
      this.#resetting = false
    }
  }

  async #reset(
    system: System,
    config: AnySystemConfig,
    options: Pick<ResetOptions, 'changedFiles'>,
  ): Promise<Replacement> {
    const { changed, generation } = this.state
    const before = system.generation
    const since = performance.now()
    this.#resetting = true
    try {
      const reset = await system.apply(config, options)
      this.state.changed = []
      const startMs = performance.now() - since
      return { components: componentsOf(system), changed, startMs, reset, stopErrors: reset.errors }
    } catch (error) {
      if (system.state === 'failed') this.#kept = await system.suspend()
      throw error
    } finally {
      this.#resetting = false
      this.state.config = system.config
      this.state.generation = generation + system.generation - before
    }
  }
}

/** The components that take part, which `status` lists in the order in which they start. */
export const componentsOf = (system: System): readonly ComponentStatus[] =>
  system.status().slice(0, system.order.length)
