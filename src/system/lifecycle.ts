import type { AnySystemConfig, SystemMap } from './define-system.ts'

/**
 * - `disabled`: `enabled: false` in the config
 * - `waiting`: its turn to start has not come; also every component before `start`
 * - `blocked`: it did not start because what it depends on failed
 */
export type ComponentState =
  | 'disabled'
  | 'waiting'
  | 'starting'
  | 'running'
  | 'failed'
  | 'blocked'
  | 'suspended'
  | 'stopping'
  | 'stopped'

export interface ComponentStatus {
  readonly name: string
  /** The name of the kind it provides. */
  readonly kind: string
  readonly state: ComponentState
  /** What the component's `describe` says of its config. */
  readonly description: string | undefined
  /** How long its start took, in milliseconds. */
  readonly startMs: number | undefined
  /** For `blocked`: the components whose failure blocks it. */
  readonly blockedBy: readonly string[]
  /** For `failed`, and for a stop that failed. */
  readonly error: unknown
}

export type SystemState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** What the suspended part of a system hands to its successor: by component name, the data that its `suspend` returned. */
export interface Suspended {
  readonly states: ReadonlyMap<string, unknown>
  /** Stops the suspended component when no successor resumed it. */
  release(name: string): Promise<void>
}

/** A system of components: created from a config, started once, stopped once. */
export interface System<C = AnySystemConfig> {
  readonly config: C
  readonly state: SystemState
  /** The running instances by name. Reading a component that is not running throws an error that says so. */
  readonly map: SystemMap<C>
  /** The enabled components in the order in which they start; stopping goes the other way. */
  readonly order: readonly string[]
  status(): readonly ComponentStatus[]
  start(): Promise<void>
  stop(): Promise<void>
  suspend(): Promise<Suspended>
}

export interface SystemOptions {
  /** Called at every change of a component's state. Must not throw. */
  readonly onChange?: (status: ComponentStatus) => void
  /** What the predecessor handed over: a component of the same name and kind that has `resume` is resumed with it. */
  readonly suspended?: Suspended
}

/**
 * Checks the config and creates a system from it; starts nothing.
 * @throws SystemError CONFIG_INVALID with every problem of the config.
 */
export const createSystem = <const C>(config: C, options: SystemOptions = {}): System<C> => {
  throw new Error(`not implemented: ${config} ${options}`)
}
