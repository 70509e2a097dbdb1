import type { ObservedSystem, Part } from './part.ts'
import type { SuspendedComponent } from './system.ts'
import type { ComponentStatus, SystemView } from './system-view.ts'

/** The reason why no more components are started. */
export type Halt = 'failure' | 'interruption'

/** What a generation is a part of. */
export interface Host {
  /** What the components see of their system. */
  readonly system: ObservedSystem
  /** What errors of this generation refer to; undefined stands for the generation itself. */
  readonly view?: SystemView | undefined
  /** Called at every change of the state of a part. */
  note(part: Part, status: ComponentStatus): void
}

export type SuspendedComponents = ReadonlyMap<string, SuspendedComponent>
