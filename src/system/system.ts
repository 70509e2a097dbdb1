/** The interface of a system for the program that runs it. `container.ts` implements it. */

import type { ComponentScope, InstanceOwner } from './component-scope.ts'
import type { AnySystemConfig } from './define-system.ts'
import type { CheckedPlan, ResetOptions, ResetReport } from './reset-plan.ts'
import type { SystemError } from './system-error.ts'
import type { SystemReloader } from './system-reloader.ts'
import type { ComponentStatus, SystemView } from './system-view.ts'

/** A suspended component: the result of its `suspend`, and its instance, which waits for a successor. */
export interface SuspendedComponent {
  readonly state: unknown
  /** The name of the kind it provides; a component of another kind cannot resume it. */
  readonly kind: string
  /**
   * Called when the successor has resumed the component: its suspended instance is not stopped any more.
   * @param by the successor, in a system with a scope.
   */
  claim(by?: InstanceOwner): void
  /**
   * Stops the suspended instance, unless it was claimed or released before. The state stays.
   * @throws SystemError STOP_FAILED; the instance is gone nevertheless.
   */
  release(): Promise<void>
}

/** The components that a system hands to its successor. */
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
  /** Counts the configs that were in force, the first included. After a reset that was taken back, the one from before counts again. */
  readonly generation: number
  /** The components that start or stop now, in the order in which they began; those that a reset replaces as well. */
  readonly underWay: readonly ComponentStatus[]
  /**
   * Starts every component as soon as all that it depends on runs. If one fails, no other is started, the signals of starts
   * under way are aborted, and everything that runs is stopped in reverse order before this rejects. The state of a predecessor
   * is not lost: resumed components are suspended again, and `suspend` returns them.
   *
   * @throws SystemError START_FAILED, START_TIMED_OUT or START_RETURNED_NOTHING of the component that failed first, with the
   * other failures in `errors`; START_INTERRUPTED when `stop` or `suspend` was called meanwhile; ALREADY_STARTED.
   */
  start(): Promise<void>
  /**
   * Stops every component once all that depend on it have stopped; if one fails or hangs, the remaining components still stop.
   * A start under way is interrupted and undone, a suspended component is released. Later calls return the promise of the
   * first. After a failed start it releases the suspended components of the predecessor.
   *
   * @throws SystemError STOP_FAILED, when all has ended, with the error of each component that failed in `errors`.
   */
  stop(): Promise<void>
  /**
   * Calls `refresh` of each running component that has it, one after the other in the order in which they started. If one
   * fails, the others are still called. Calls during a refresh share the next one, which begins when that has ended. Never rejects.
   * @returns an outcome for each component that was called; none while the system does not run.
   */
  refresh(): Promise<readonly RefreshOutcome[]>
  /**
   * What `apply` would do with this config and these options, and why it would refuse it. Checks the config and reads the files that it
   * names; changes nothing. For a system that does not run: what a start with this config would do.
   * @param config a system config, not checked yet.
   * @throws SystemError CONFIG_INVALID with every problem.
   */
  plan(config: unknown, options?: ResetOptions): Promise<CheckedPlan>
  /**
   * Replaces the config of the running system. Components that did not change are not touched. Those that can be adjusted or swapped
   * are, all in one turn of the event loop; the others are restarted with all that depends on them. Calls are carried out one after the
   * other. `stop` interrupts one that is being prepared, and waits for one that is being applied.
   * @param config a system config, not checked yet.
   * @throws SystemError CONFIG_INVALID, NOT_RUNNING or RESET_REFUSED: nothing was touched. RESET_FAILED: the config from before is in
   * force, with the state that it had. UNDO_FAILED: nothing runs, and `suspend` returns the state. START_INTERRUPTED: `stop` was called
   * meanwhile.
   */
  apply(config: unknown, options?: ResetOptions): Promise<ResetReport>
  /**
   * Starts what failed to start or was blocked, with the config in force; everything else is not touched. Carried out in turn with
   * `apply`, which also does this.
   * @returns as `apply`; its `errors` have what failed again.
   * @throws SystemError NOT_RUNNING, START_INTERRUPTED.
   */
  retry(): Promise<ResetReport>
  /**
   * Like `stop`, but components that support it are suspended, and a successor can resume them. All others are stopped. A later
   * `stop` releases the components that no successor has claimed. After a failed start this returns the suspended components of
   * the predecessor for another successor. On any other system that is not running this is `stop`, and the result is empty.
   * Never rejects: see `errors`.
   */
  suspend(): Promise<Suspended>
  /** Calls `stop`, for `await using system = createSystem(config)`. @throws SystemError STOP_FAILED. */
  [Symbol.asyncDispose](): Promise<void>
  /** As given in the options. */
  readonly reloader: SystemReloader | undefined
}

/** What a component that does not start means for the others. */
export type StartMode = 'all' | 'available'

export interface SystemOptions {
  /**
   * `all` (the default): if a component does not start, everything is stopped again. `available`: what depends on it is blocked, also
   * where the need is optional or a list, and the rest runs; see `SystemView.degraded`. `start` then rejects only if nothing runs.
   */
  readonly start?: StartMode
  /**
   * Called at every change of a component's state, also after `start` rejected: a component that finished starting after its
   * deadline is stopped then. Must not throw; if it does, the process gets a warning and the system continues.
   */
  readonly onChange?: (status: ComponentStatus) => void
  /**
   * The suspended components of the predecessor. A component of the same name and kind that has `resume` is resumed. Those that
   * cannot be resumed are released before anything starts, since they may hold resources that the new components need. If the
   * start fails, all of them stay suspended: pass the result of `suspend` to another system, or call `stop`.
   */
  readonly suspended?: Suspended
  /** Reads the config again when a component asks for it. Without it a component can only ask for `refresh`. */
  readonly reloader?: SystemReloader
  /** Surrounds the calls of the functions of components. Its functions must not throw on their own account. */
  readonly scope?: ComponentScope | undefined
}
