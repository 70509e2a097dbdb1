import type { ConfigProblem } from './config-problem.ts'
import { zodErrorLine } from './schema-issues.ts'
import type { SystemView } from './system-view.ts'

/**
 * The codes of SystemError, each with its meaning for the operator. README.md documents them, and a test compares the page with
 * this table.
 */
export const systemErrorCodes = {
  CONFIG_INVALID: 'The system config has the problems listed; nothing was started.',
  START_FAILED: 'The start function of a component rejected; everything that had started was stopped again.',
  START_TIMED_OUT: 'The start function of a component did not finish within its deadline.',
  START_RETURNED_NOTHING: 'The start function of a component returned nothing where its kind promises an instance.',
  START_INTERRUPTED: 'The system was stopped while it was starting.',
  ALREADY_STARTED: 'start was called on a system that was started before; create a new one.',
  NOT_RUNNING: 'A component was read from the system map that is not running, or that does not exist.',
  REFRESH_FAILED:
    'The refresh function of a component failed or passed its deadline; it continues with what it had read before.',
  STOP_FAILED: 'The stop function of one or more components failed or passed its deadline; all others were stopped.',
  SUSPEND_FAILED:
    'The suspend function of a component failed or passed its deadline; that component was stopped instead.',
  RESET_REFUSED:
    'The reset would close connections of a listener that stays in the config, and was asked to keep all. A reload in production also refuses another store and the end of the only listener. Nothing was touched.',
  RESET_FAILED: 'A step of a reset failed; the system from before runs, with the state that it had.',
  UNDO_FAILED:
    'A reset failed after components had ended, and the system from before did not start again; its state is kept for the next start.',
} as const
export type SystemErrorCode = keyof typeof systemErrorCodes

/** The action of the container at that time. */
export type LifecyclePhase = 'check' | 'start' | 'resume' | 'refresh' | 'suspend' | 'stop' | ResetPhase

/** The functions of a component that a reset calls, `settle` of an instance, and the comparison of the census. */
export type ResetPhase =
  | 'adjust'
  | 'prepare'
  | 'rehearse'
  | 'settle'
  | 'commit'
  | 'give'
  | 'migrate'
  | 'take'
  | 'census'
  | 'verify'
  | 'undo'
  | 'done'
  | 'discard'
  | 'retire'

interface SystemErrorDetails {
  readonly component?: string | undefined
  readonly phase?: LifecyclePhase | undefined
  readonly problems?: readonly ConfigProblem[] | undefined
  readonly system?: SystemView | undefined
  readonly errors?: readonly unknown[] | undefined
  readonly undoErrors?: readonly unknown[] | undefined
  readonly cause?: unknown
}

/**
 * The error that the container throws. Compare `code`, never the class: after a reset there may be two versions of the class.
 */
export class SystemError extends Error {
  override readonly name = 'SystemError'
  readonly code: SystemErrorCode
  /** The component at fault, by its name in the config. */
  readonly component: string | undefined
  readonly phase: LifecyclePhase | undefined
  /** For CONFIG_INVALID: every problem of the file. */
  readonly problems: readonly ConfigProblem[]
  /**
   * The system after the failure: its `status()` says what had started, what failed and what was blocked. Not enumerable: a
   * logger that prints the fields of an error would print every config in it, including passwords.
   */
  declare readonly system: SystemView | undefined
  /**
   * The other failures, one SystemError for each: for STOP_FAILED every component that did not stop; for a failed start the
   * other components that failed to start, then those that failed to stop when it was undone; for UNDO_FAILED the error of the
   * previous system.
   */
  readonly errors: readonly unknown[]
  /** For RESET_FAILED: what failed while the reset was undone. What these components hold now is not known. */
  readonly undoErrors: readonly unknown[]

  constructor(code: SystemErrorCode, message: string, details: SystemErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.component = details.component
    this.phase = details.phase
    this.problems = details.problems ?? []
    Object.defineProperty(this, 'system', { value: details.system })
    this.errors = details.errors ?? []
    this.undoErrors = details.undoErrors ?? []
  }
}

/** The message of any thrown value. It may not be an Error, and may have no message. */
export const messageOf = (error: unknown): string => {
  if (typeof error === 'string') return error
  if (typeof error !== 'object' || error === null) return `${error} was thrown`
  // Its own message is its issues as JSON.
  const refused = zodErrorLine(error)
  if (refused !== undefined) return refused
  const { message, errors, name } = error as { message?: unknown; errors?: unknown; name?: unknown }
  if (typeof message === 'string' && message !== '') return message
  // The details of Node's AggregateError of failed connects are in its parts.
  if (Array.isArray(errors) && errors.length > 0) return errors.map(messageOf).join('; ')
  return typeof name === 'string' ? name : 'an object without a message was thrown'
}
