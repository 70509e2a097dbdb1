import type { CheckedPlan, ResetReport } from './reset-plan.ts'

/** Reads the config of a running system again, and applies it. The program that runs the system gives it to the system. */
export interface SystemReloader {
  /**
   * What `reload` would do now, and why it would be refused. Changes nothing.
   * @throws what the reading of the config throws, and as `System.plan`.
   */
  plan(): Promise<CheckedPlan>
  /**
   * Reads the config and the files that it names again, and applies what changed.
   * @throws what the reading of the config throws, and as `System.apply`. RESET_REFUSED with all refusals of the plan.
   */
  reload(): Promise<Reloaded>
  /** Called when a reload has failed and could not be undone: nothing runs any more. Set by the program. */
  onUndoFailed?: ((error: unknown) => void) | undefined
}

/** What a reload did. */
export interface Reloaded {
  readonly report: ResetReport
  /** The components that read their files again. */
  readonly refreshed: readonly ObservedRefresh[]
}

/** How the `refresh` of one component went. */
export interface ObservedRefresh {
  /** The name of the component. */
  readonly name: string
  /** A few words of what changed; undefined when nothing did, and after an error. */
  readonly change: string | undefined
  readonly error: string | undefined
}
