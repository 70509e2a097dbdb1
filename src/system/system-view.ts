/** What can be read of a system and its components; nothing here acts on one. */

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
  /** What the component's `describe` says of its config. */
  readonly description: string | undefined
  /** How long its start took, in milliseconds. */
  readonly startMs: number | undefined
  /** Whether it was resumed, with what its predecessor left, and not started anew. */
  readonly resumed: boolean
  /** For `blocked`: the components whose failure blocks it. */
  readonly blockedBy: readonly string[]
  /** For `failed`, and for a suspend that failed. */
  readonly error: unknown
}

export type SystemState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** The side of a system that is read. Errors carry this much of the system that they come from. */
export interface SystemView<C = AnySystemConfig> {
  readonly config: C
  readonly state: SystemState
  /**
   * The running instances by name. Reading a component that is not running throws an error that says so; `in` and
   * `Object.keys` tell which are.
   */
  readonly map: SystemMap<C>
  /** The enabled components in the order in which they start; stopping goes the other way. */
  readonly order: readonly string[]
  /** The components in the order in which they start, then those that are disabled. */
  status(): readonly ComponentStatus[]
  /** When all components ran, in milliseconds since 1970; undefined before, and if that did not happen. */
  readonly runningSinceMs: number | undefined
  /** The numbers of the components that run, in the order of the config. */
  measures(): readonly ComponentMeasure[]
}
