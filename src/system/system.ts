/** The life of a system: what a program that runs one sees of it. `container.ts` does the work. */

import type { AnySystemConfig } from './define-system.ts'
import type { SystemError } from './system-error.ts'
import type { ComponentStatus, SystemView } from './system-view.ts'

/** A suspended component: what its `suspend` returned, and its instance, which waits for a successor. */
export interface SuspendedComponent {
  readonly state: unknown
  /** The name of the kind it provides; a component of another kind cannot resume it. */
  readonly kind: string
  /** The successor has resumed the component: the stop of its suspended instance is no longer called for. */
  claim(): void
  /**
   * Stops the suspended instance, unless it was claimed or released before. The state stays.
   * @throws SystemError STOP_FAILED; the instance is gone even so.
   */
  release(): Promise<void>
}

/** What a system hands to its successor. */
export interface Suspended {
  /** By name, in the order in which they were suspended, which is the order in which they are released. */
  readonly components: ReadonlyMap<string, SuspendedComponent>
  /** SUSPEND_FAILED and STOP_FAILED, one for each component concerned. */
  readonly errors: readonly SystemError[]
}

/** How the `refresh` of one component went. */
export interface RefreshOutcome {
  /** The name of the component. */
  readonly name: string
  /** A few words of what changed; undefined when nothing did, and after an error. */
  readonly change?: string | undefined
  /** REFRESH_FAILED. */
  readonly error?: SystemError | undefined
}

/** A system of components: created from a config, started once, stopped once. */
export interface System<C = AnySystemConfig> extends SystemView<C> {
  /**
   * Starts every component as soon as all that it depends on runs. When one fails, no other is launched, those under way
   * are told by their signal and waited for, and everything that runs is stopped in reverse order before this rejects.
   * Nothing that a predecessor handed over is lost by that: what was resumed is suspended again, and `suspend` returns it.
   *
   * @throws SystemError START_FAILED, START_TIMED_OUT or START_RETURNED_NOTHING of the component that failed first, with
   * the other failures in `errors`; START_INTERRUPTED when `stop` or `suspend` was called meanwhile; ALREADY_STARTED.
   */
  start(): Promise<void>
  /**
   * Stops every component once all that depend on it have stopped; one that fails or hangs keeps nothing else from
   * stopping. A start under way is interrupted and undone, a suspended component is released. Calls after the first get
   * the promise of the first. After a failed start it releases what the predecessor handed over, if anything.
   *
   * @throws SystemError STOP_FAILED, when all has ended, with the error of each component that failed in `errors`.
   */
  stop(): Promise<void>
  /**
   * Has each running component that has `refresh` read its files again, one after the other in the order in which they started. If one
   * fails, the others are still called. Calls during a refresh share the next one, which begins when that has ended. Never rejects.
   * @returns an outcome for each component that was called; none while the system does not run.
   */
  refresh(): Promise<readonly RefreshOutcome[]>
  /**
   * As `stop`, but components that can are suspended, for a successor to resume; the others are stopped. `stop` may follow:
   * it releases what no successor has claimed. On a system whose start failed this returns what its predecessor handed over,
   * as the failed start left it, for another successor. On any other system that is not running this is `stop`, and there is
   * nothing to resume. Never rejects: see `errors`.
   */
  suspend(): Promise<Suspended>
  /** Calls `stop`, for `await using system = createSystem(config)`. @throws SystemError STOP_FAILED. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface SystemOptions {
  /**
   * Called at every change of a component's state, also after `start` rejected: a component that finished starting after
   * its deadline is stopped then. Must not throw; if it does, the process gets a warning and the system goes on.
   */
  readonly onChange?: (status: ComponentStatus) => void
  /**
   * What the predecessor handed over: a component of the same name and kind that has `resume` is resumed with it. All that
   * cannot be resumed here is released before anything starts, since it may hold what the new components want. When the
   * start fails, all of it stays suspended: hand what `suspend` returns to another system, or call `stop`.
   */
  readonly suspended?: Suspended
}
