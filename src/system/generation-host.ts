import type { PartHost } from './part.ts'
import type { SuspendedComponent } from './system.ts'
import type { SystemView } from './system-view.ts'

/** The reason why no more components are started. */
export type Halt = 'failure' | 'interruption'

/** What a generation is a part of. */
export interface Host extends PartHost {
  /** What errors of this generation refer to; undefined stands for the generation itself. */
  readonly view?: SystemView | undefined
}

export type SuspendedComponents = ReadonlyMap<string, SuspendedComponent>
