import type { Part } from './part.ts'
import { didYouMean } from './suggestion.ts'
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

/** The error of a start: that of the component which failed first, with the others. @param errors at least one. */
export const startError = (
  system: SystemView,
  errors: readonly SystemError[],
  undoErrors: readonly SystemError[],
): SystemError => {
  const [first, ...others] = errors
  const { code, message, component, phase, cause } = first!
  return new SystemError(code, message, { component, phase, cause, system, errors: [...others, ...undoErrors] })
}

/** The error for reading a component from the system map that does not run, or does not exist. */
export const notRunning = (system: SystemView, parts: ReadonlyMap<string, Part>, name: string): SystemError => {
  const part = parts.get(name)
  const unknown = `there is no component '${name}' in this system${didYouMean(name, [...parts.keys()])}`
  const message = part === undefined ? unknown : `${name} is not running: it is ${part.state}`
  return new SystemError('NOT_RUNNING', message, { component: part?.name, system })
}
