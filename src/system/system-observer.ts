import type { ComponentStatus, SystemState } from './component-status.ts'
import type { ComponentMeasure } from './measure.ts'
import type { SystemGraph } from './system-graph.ts'
import type { ObservedRefresh, SystemReloader } from './system-reloader.ts'

/** What a component may know of its system: its state, without the instances and the values of the config. */
export interface SystemObserver {
  readonly state: SystemState
  /** Whether the system runs without some of its components, which did not start. */
  readonly degraded: boolean
  /** When all components ran, in milliseconds since 1970; undefined before, and if the start failed. */
  readonly runningSinceMs: number | undefined
  /** The components in the order in which they start, then those that are disabled. */
  status(): readonly ComponentStatus[]
  /** The numbers of the components that run, in the order of the config. */
  measures(): readonly ComponentMeasure[]
  /** The wiring with the state of each component. */
  graph(): SystemGraph
  /** As `System.refresh`: components read their files again. Never rejects. Do not await it in a function of a component's lifecycle. */
  refresh(): Promise<readonly ObservedRefresh[]>
  /**
   * Reads the config of the system again. Undefined if the program that runs the system has not given one. Do not await it in a function
   * of a component's lifecycle: the component may be one that it restarts.
   */
  readonly reloader: SystemReloader | undefined
}
