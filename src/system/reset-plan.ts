/** What a reset will do, before it is done: a verdict for each component, with its reasons. */

/**
 * - `keep`: not touched
 * - `adjust`: the same instance takes over other config, files or neighbours
 * - `swap`: a new instance continues from the state of the old one
 * - `restart`: stopped and started again; what it holds is lost, or suspended and resumed
 * - `start`, `stop`: only in the new or only in the running config
 */
export type Verdict = 'keep' | 'adjust' | 'swap' | 'restart' | 'start' | 'stop'

/** What a reset does to one component. */
export interface PlannedPart {
  /** Its name in the system config. */
  readonly name: string
  /** The name of the kind it provides. */
  readonly kind: string
  readonly verdict: Verdict
  /** Why, in a few words each: a path of the config, a file, a neighbour. Empty for `keep`. They contain no text values of the config. */
  readonly reasons: readonly string[]
}

/** What a reset does to the network connections of one listener. */
export interface PlannedConnections {
  /** The name of the component that accepts them. */
  readonly listener: string
  readonly keptUntouched: number
  /** Their pipelines are opened anew; the clients notice nothing. */
  readonly repiped: number
  readonly closed: number
}

export interface ResetPlan {
  /** In the order in which the components start; those that only stop come last. */
  readonly parts: readonly PlannedPart[]
  readonly connections: readonly PlannedConnections[]
}

/** A plan that is not applied yet, and whether it may be. */
export interface CheckedPlan extends ResetPlan {
  /**
   * Why the reset will be refused (RESET_REFUSED), in the words of that error; empty if it may be applied. What a component refuses when it is
   * asked is not among them.
   */
  readonly refusals: readonly string[]
}

export interface ResetOptions {
  /**
   * `all` refuses a plan that closes connections of a listener that stays, or that restarts a component for a changed file in a way that
   * could not be undone. Default `any`: nothing is refused, and such connections are closed.
   */
  readonly keep?: 'all' | 'any'
  /** For the reasons of the plan: the files whose change made the component of this name another one, as far as they are known. */
  readonly changedFiles?: (name: string) => readonly string[]
}

/** What a reset did to one component. */
export interface AppliedPart extends PlannedPart {
  /** How long it took, in milliseconds: its part of the cut-over, or its start. Undefined if it was not touched, or only stopped. */
  readonly ms: number | undefined
}

/** What a reset did. Durations are in milliseconds. */
export interface ResetReport {
  readonly plan: ResetPlan
  /** In the order of the plan. */
  readonly parts: readonly AppliedPart[]
  /** The time until everything was prepared, with the components that were ended before. */
  readonly prepareMs: number
  /** How long the process did nothing else. */
  readonly cutOverMs: number
  /** The time after it: starts that had to wait for it, and the end of what is replaced. */
  readonly finishMs: number
  /** Errors of components that were ended, or that may fail to start and did. The reset was applied nevertheless. */
  readonly errors: readonly unknown[]
}
