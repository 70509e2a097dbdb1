/** Formats any error for people: what failed, why, and what to do. Without a stack. */

import { hintFor } from './error-hint.ts'
import { zodErrorText } from './schema-issues.ts'
import { messageOf, type SystemError, systemErrorCodes } from './system-error.ts'

/** Deeper causes explain nothing. The limit also ends a chain that contains itself. */
const deepestCause = 8
/** The maximum number of components in a message: as many as fit into one or two lines. */
const mostBlocked = 10
/** Errors of JavaScript for faults in a program, and of zod for a value: the place in the code is shown only for these. */
const errorsWithPlace = new Set([
  'TypeError',
  'ReferenceError',
  'RangeError',
  'SyntaxError',
  'URIError',
  'EvalError',
  'ZodError',
])

/**
 * The error in a few lines. For a SystemError: component and phase, one line for each cause, the blocked components, and its
 * other errors, also of what could not be undone. For an error of zod: each refused value. For common errors of Node: a hint. For a programming error: the first
 * place in the code outside Node and packages. Takes any thrown value.
 */
export const formatError = (error: unknown): string => {
  const others = othersOf(error).map(block)
  // A stop has no first failure: its message combines those of all failures.
  if (isSystemError(error) && error.code === 'STOP_FAILED' && others.length > 0) return others.join('\n')
  const notUndone = isSystemError(error) ? error.undoErrors.map((each) => `not undone: ${block(each)}`) : []
  return [block(error), ...others.map((other) => `also: ${other}`), ...notUndone].join('\n')
}

const block = (error: unknown): string => [headline(error), ...details(error)].join('\n  ')

const headline = (error: unknown): string => {
  if (isSystemError(error)) {
    // Placed behind the first line: at the end of a message of many lines it would seem to belong to the last problem.
    const [first, ...rest] = messageOf(error).split('\n')
    return [
      first!.endsWith(':') ? `${first!.slice(0, -1)} (${error.code}):` : `${first} (${error.code})`,
      ...rest,
    ].join('\n')
  }
  const refused = zodErrorText(error)
  if (refused !== undefined) return refused
  if (!(error instanceof Error) || error.name === 'Error') return messageOf(error)
  return `${error.name}: ${messageOf(error)}`
}

const details = (error: unknown): string[] => {
  const lines: string[] = []
  let said = messageOf(error)
  const chain = causesOf(error)
  for (const cause of chain.slice(1)) {
    // The message of a SystemError ends with that of its cause.
    if (!said.includes(messageOf(cause))) lines.push(`caused by ${headline(cause)}`)
    said += messageOf(cause)
  }
  const place = chain.map(placeOf).find((found) => found !== undefined)
  if (place !== undefined) lines.push(`at ${place}`)
  const hint = hintFor(chain, isSystemError(error) ? error : undefined)
  if (hint !== undefined) lines.push(hint)
  return [...lines, ...blockedLines(error)]
}

/** The error, its cause, the cause of that, and so on. */
const causesOf = (error: unknown): unknown[] => {
  const chain: unknown[] = []
  let next: unknown = error
  while (next !== undefined && chain.length < deepestCause && !chain.includes(next)) {
    chain.push(next)
    next = next instanceof Error ? next.cause : undefined
  }
  return chain
}

const othersOf = (error: unknown): readonly unknown[] => {
  const errors = typeof error === 'object' && error !== null && 'errors' in error ? error.errors : undefined
  return Array.isArray(errors) ? errors : []
}

const blockedLines = (error: unknown): string[] => {
  if (!isSystemError(error) || error.system === undefined) return []
  const blocked = error.system.status().filter(({ blockedBy }) => blockedBy.includes(error.component ?? ''))
  if (blocked.length === 0) return []
  const names = blocked.slice(0, mostBlocked).map(({ name }) => name)
  const more = blocked.length > mostBlocked ? ` and ${blocked.length - mostBlocked} more` : ''
  return [`not started because of it: ${names.join(', ')}${more}`]
}

const placeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !errorsWithPlace.has(error.name)) return undefined
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))
  const frame = frames.find((line) => !/node_modules|\bnode:/.test(line))
  return frame?.trim().replace(/^at /, '').replace('file://', '').replace(`${process.cwd()}/`, '')
}

/** Recognised by its fields, not by its class: after a reset there may be two classes. */
const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error &&
  error.name === 'SystemError' &&
  'code' in error &&
  Object.hasOwn(systemErrorCodes, String(error.code))
