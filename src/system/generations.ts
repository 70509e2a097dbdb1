/** The systems of the dev loop, one after the other. Each resumes the components that its predecessor left suspended. */

import type { AnySystemConfig } from './define-system.ts'
import { createDevState, type DevState } from './dev-state.ts'
import { createSystem } from './lifecycle.ts'
import type { Suspended, SuspendedComponent, System } from './system.ts'
import { messageOf, SystemError } from './system-error.ts'
import type { ComponentStatus } from './system-view.ts'

/** The report of a replacement of one system by another. Durations are in milliseconds. */
export interface Replacement {
  /** The enabled components in the order in which they start. */
  readonly components: readonly ComponentStatus[]
  readonly changed: readonly string[]
  /** How long the predecessor took to suspend or stop. */
  readonly stopMs: number
  readonly startMs: number
  /** Errors while the predecessor was suspended or stopped. The successor was started nevertheless. */
  readonly stopErrors: readonly unknown[]
}

const nothing: Suspended = { components: new Map(), errors: [] }

export class Generations {
  readonly state: DevState = createDevState()
  readonly #onReplace: (running: System | undefined) => void
  readonly #underWay = new Map<string, ComponentStatus>()
  /** Suspended components. They are discarded only when a system that resumed them runs, or when the user stops. */
  #kept: Suspended = nothing
  /** Whether a stop was requested, so that a failed replacement is not undone. */
  #stopRequested = false

  /** @param onReplace called right before a system replaces the running system, if there is one. */
  constructor(onReplace: (running: System | undefined) => void = () => {}) {
    this.#onReplace = onReplace
  }

  /** Components that failed starts left suspended, by name. */
  get kept(): ReadonlyMap<string, SuspendedComponent> {
    return this.#kept.components
  }

  /** The components that are starting or stopping now, in the order in which they began. */
  get underWay(): readonly ComponentStatus[] {
    return [...this.#underWay.values()]
  }

  /** The current system, if it is running. */
  get running(): System | undefined {
    return this.state.system?.state === 'running' ? this.state.system : undefined
  }

  /**
   * Suspends the running system, if there is one, and starts a new system. If that does not start, the previous config is
   * started again with the state that was suspended.
   *
   * @throws SystemError RESET_FAILED: the previous config runs again. UNDO_FAILED: nothing runs, and the state is kept for the
   * next call. If nothing ran before, or a stop was requested meanwhile: the error of the start; nothing runs.
   */
  async replace(config: AnySystemConfig): Promise<Replacement> {
    this.#stopRequested = false
    const previous = this.running
    this.#onReplace(previous)
    const since = performance.now()
    if (previous !== undefined) this.#kept = await previous.suspend()
    const stopMs = performance.now() - since
    const stopErrors = this.#kept.errors
    try {
      return { stopMs, stopErrors, ...(await this.#start(config)) }
    } catch (error) {
      if (previous === undefined || this.#stopRequested) throw error
      throw await this.#undo(error, previous.config, stopErrors)
    }
  }

  /** Ends a start that is under way, so that a stop need not wait for its deadline. @returns undefined when no start is. */
  interrupt(): Promise<void> | undefined {
    this.#stopRequested = true
    return this.state.system?.state === 'starting' ? this.state.system.stop() : undefined
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
  async #start(config: AnySystemConfig): Promise<Pick<Replacement, 'components' | 'changed' | 'startMs'>> {
    const generation = this.state.generation + 1
    const onChange = (status: ComponentStatus): void => this.#note(`${generation} ${status.name}`, status)
    const system: System = createSystem(config, { suspended: this.#kept, onChange })
    const { changed } = this.state
    Object.assign(this.state, { config, system, generation, changed: [] } satisfies DevState)
    const since = performance.now()
    try {
      await system.start()
    } catch (error) {
      this.#kept = await system.suspend()
      this.state.changed = changed
      throw error
    }
    this.#kept = nothing
    return { components: componentsOf(system), changed, startMs: performance.now() - since }
  }

  /** Starts the previous config again. @returns the error for the caller of `replace`. */
  async #undo(failure: unknown, config: AnySystemConfig, stopErrors: readonly unknown[]): Promise<SystemError> {
    const { system, changed } = this.state
    const { component, phase, errors = [] } = failure as Partial<SystemError>
    const details = { component, phase, system, cause: failure, errors: [...stopErrors, ...errors] }
    const message = `the new system did not start: ${messageOf(failure)}`
    try {
      await this.#start(config)
      return new SystemError('RESET_FAILED', message, details)
    } catch (error) {
      return new SystemError('UNDO_FAILED', message, { ...details, errors: [...details.errors, error] })
    } finally {
      // The system that runs now was not made from it.
      this.state.changed = changed
    }
  }

  #note(key: string, status: ComponentStatus): void {
    if (status.state === 'starting' || status.state === 'stopping') this.#underWay.set(key, status)
    else this.#underWay.delete(key)
  }
}

/** The components that take part, which `status` lists in the order in which they start. */
export const componentsOf = (system: System): readonly ComponentStatus[] =>
  system.status().slice(0, system.order.length)
