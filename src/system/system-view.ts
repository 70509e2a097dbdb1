/** The read-only view of a system and its components. */

import type { ComponentStatus, SystemState } from './component-status.ts'
import type { AnySystemConfig, SystemMap } from './define-system.ts'
import type { ComponentMeasure } from './measure.ts'

export type { ComponentState, ComponentStatus, SystemState } from './component-status.ts'

/** The read-only view of a system. Errors refer to their system by it. */
export interface SystemView<C = AnySystemConfig> {
  readonly config: C
  readonly state: SystemState
  /** Whether the system runs without some of its components, which failed or are blocked: `SystemOptions.start` is `available`. */
  readonly degraded: boolean
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
