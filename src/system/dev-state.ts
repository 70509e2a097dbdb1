import type { AnySystemConfig } from './define-system.ts'
import type { System } from './system.ts'

/** What survives a reset. Everything else of the dev loop is derived from it or lives in the system that a reset replaces. */
export interface DevState {
  /** The config of the current system, with the settings applied; undefined until one has loaded and checked. */
  config: AnySystemConfig | undefined
  /** The current system, in whatever state; after a failed start the one that failed. */
  system: System | undefined
  /** How many systems were created. */
  generation: number
  /** What loads brought in that no system has started with yet. */
  changed: readonly string[]
}

export const createDevState = (): DevState => ({ config: undefined, system: undefined, generation: 0, changed: [] })
