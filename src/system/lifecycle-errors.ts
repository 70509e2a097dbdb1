import { messageOf, SystemError } from './system-error.ts'
import type { SystemView } from './system-view.ts'

/** The error of a start or a reset during which the system was stopped. */
export const interrupted = (system: SystemView, errors: readonly SystemError[]): SystemError =>
  new SystemError('START_INTERRUPTED', 'the system was stopped while it was starting', { system, errors })

/** @throws SystemError STOP_FAILED if there are errors. */
export const throwStopErrors = (system: SystemView, errors: readonly unknown[]): void => {
  if (errors.length === 0) return
  const message = errors.map(messageOf).join('; ')
  throw new SystemError('STOP_FAILED', message, { phase: 'stop', system, errors })
}
