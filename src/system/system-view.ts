/** The read-only view of a system and its components. */

import type { AnySystemConfig, SystemMap } from './define-system.ts'
import type { ComponentMeasure } from './measure.ts'

/**
 * - `disabled`: `enabled: false` in the config
 * - `waiting`: its turn to start has not come; also every component before `start`
 * - `failed`: it did not start, or its stop failed or passed the deadline: what it had acquired may not be released
 * - `blocked`: it did not start because what it depends on failed
 */
export type ComponentState =
  | 'disabled'
  | 'waiting'
  | 'starting'
  | 'running'
  | 'failed'
  | 'blocked'
  | 'suspended'
  | 'stopping'
  | 'stopped'

export interface ComponentStatus {
  readonly name: string
  /** The name of the kind it provides. */
  readonly kind: string
  readonly state: ComponentState
  /** The result of the component's `describe`. */
  readonly description: string | undefined
  /** The duration of its start, in milliseconds. */
  readonly startMs: number | undefined
  /** Whether it was resumed with the state of its predecessor, and not started. */
  readonly resumed: boolean
  /** For `blocked`: the components whose failure blocks it. */
  readonly blockedBy: readonly string[]
  /** For `failed`, and for a suspend that failed. */
  readonly error: unknown
}

export type SystemState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** The read-only view of a system. Errors refer to their system by it. */
export interface SystemView<C = AnySystemConfig> {
  readonly config: C
  readonly state: SystemState
  /**
   * The running instances by name. Reading a component that is not running throws an error that says so; `in` and
   * `Object.keys` tell which are.
   */
  readonly map: SystemMap<C>
  /** The enabled components in the order in which they start. They stop in the reverse order. */
  readonly order: readonly string[]
  /** The components in the order in which they start, then those that are disabled. */
  status(): readonly ComponentStatus[]
  /** When all components ran, in milliseconds since 1970; undefined before, and if the start failed. */
  readonly runningSinceMs: number | undefined
  /** The numbers of the components that run, in the order of the config. */
  measures(): readonly ComponentMeasure[]
}
