/** The states of a component and of a system. */

/**
 * - `disabled`: `enabled: false` in the config
 * - `waiting`: its turn to start has not come; also every component before `start`
 * - `failed`: it did not start, or its stop failed or passed the deadline: what it had acquired may not be released
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
  /** The result of the component's `describe`. */
  readonly description: string | undefined
  /** The duration of its start, in milliseconds. */
  readonly startMs: number | undefined
  /** Whether it was resumed with the state of its predecessor, and not started. */
  readonly resumed: boolean
  /** For `blocked`: the components whose failure blocks it. */
  readonly blockedBy: readonly string[]
  /** Why it cannot do its work at present, although it runs. */
  readonly unready: string | undefined
  /** For `failed`, and for a suspend that failed. */
  readonly error: unknown
}

export type SystemState = 'created' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'
