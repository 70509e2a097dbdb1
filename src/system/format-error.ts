/** Prints any error as a person wants to read it: what failed, why, what to do; no stack. */

import { hintFor } from './error-hint.ts'
import { zodErrorText } from './schema-issues.ts'
import { messageOf, type SystemError, systemErrorCodes } from './system-error.ts'

/** Causes deeper than this have stopped explaining; it also ends a chain that contains itself. */
const deepestCause = 8
/** As many components as fit a line or two. */
const mostBlocked = 10
/** What JavaScript throws when a program is wrong, and zod for a value: only for these is a place in the code worth showing. */
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
 * The error in a few lines. For a SystemError: component and phase, the causes one to a line, what it blocked, and the
 * other errors it carries; for an error of zod each value that was refused; for common errors of Node what to do about them; for a programming error the first place in
 * the code that is neither Node's nor a package's. Takes whatever can be thrown.
 */
export const formatError = (error: unknown): string => {
  const others = othersOf(error).map(block)
  // A stop has no first failure: its message is that of the others together.
  if (isSystemError(error) && error.code === 'STOP_FAILED' && others.length > 0) return others.join('\n')
  return [block(error), ...others.map((other) => `also: ${other}`)].join('\n')
}

const block = (error: unknown): string => [headline(error), ...details(error)].join('\n  ')

const headline = (error: unknown): string => {
  if (isSystemError(error)) {
    // Behind the first line, where a message of many lines would leave it to the last of its problems.
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

/** By its fields, not by its class, of which a reset leaves two. */
const isSystemError = (error: unknown): error is SystemError =>
  error instanceof Error &&
  error.name === 'SystemError' &&
  'code' in error &&
  Object.hasOwn(systemErrorCodes, String(error.code))
