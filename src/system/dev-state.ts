import type { AnySystemConfig } from './define-system.ts'
import type { System } from './system.ts'

/**
 * The state that survives a reset. All other state of the dev loop is derived from it or belongs to the system that a reset
 * replaces.
 */
export interface DevState {
  /** The config of the current system, with the settings applied; undefined until one has loaded and checked. */
  config: AnySystemConfig | undefined
  /** The current system, in any state. After a failed start: the system that failed. */
  system: System | undefined
  /** The number of systems created. */
  generation: number
  /** Changes that were loaded and that no system has started with yet. */
  changed: readonly string[]
}

export const createDevState = (): DevState => ({ config: undefined, system: undefined, generation: 0, changed: [] })
