import type { SystemError } from './system-error.ts'

/** How the `refresh` of one component went. */
export interface RefreshOutcome {
  /** The name of the component. */
  readonly name: string
  /** A few words of what changed; undefined when nothing did, and after an error. */
  readonly change?: string | undefined
  /** REFRESH_FAILED. */
  readonly error?: SystemError | undefined
}
