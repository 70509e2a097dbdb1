import type { Need } from './kind.ts'
import type { ComponentMeasure } from './measure.ts'
import type { SystemObserver } from './system-observer.ts'

export type Needs = Readonly<Record<string, Need>>

/** Arguments of a component's functions besides config and dependencies. */
export interface LifecycleContext {
  /** The name the component has in the system config: `server` in `{ server: { component: ... } }`. */
  readonly name: string
  /** Aborted when the deadline of this start or stop passes, or when the system is stopped while this part starts. */
  readonly signal: AbortSignal
  /** The numbers of all components that run now, in the order of the config: for a component that publishes them. */
  measures(): readonly ComponentMeasure[]
  /** The system that it is a part of: for a component that reports its state to operators. */
  readonly system: SystemObserver
}
