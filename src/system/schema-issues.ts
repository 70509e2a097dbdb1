/** Formats zod's issues about a refused value like the problems of a config. */

import type { z } from 'zod'
import { type ConfigProblem, formatPath, formatProblems } from './config-problem.ts'

/** The problems of one issue: several for an object with several unknown keys. */
export const problemsOfIssue = (issue: z.core.$ZodIssue): readonly ConfigProblem[] => {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: `there is no '${key}' here` }))
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return [{ path, message: `${issue.message}: ${issue.errors.map(alternative).join('; or ')}` }]
  }
  return [{ path, message: issue.message }]
}

/** The problems of an error that zod threw, from any copy of zod; undefined for any other error. */
export const problemsOfZodError = (error: unknown): readonly ConfigProblem[] | undefined => {
  const { name, issues } = (typeof error === 'object' ? (error ?? {}) : {}) as { name?: unknown; issues?: unknown }
  if ((name !== 'ZodError' && name !== '$ZodError') || !Array.isArray(issues)) return undefined
  return issues.every(isIssue) ? issues.flatMap(problemsOfIssue) : undefined
}

/** The problems of an error that zod threw, in a line: `PORT: Invalid input: expected number, received NaN`. */
export const zodErrorLine = (error: unknown): string | undefined =>
  problemsOfZodError(error)
    ?.map(({ path, message }) => (path.length === 0 ? message : `${formatPath(path)}: ${message}`))
    .join('; ')

/** The same with a paragraph for each problem, as for CONFIG_INVALID. */
export const zodErrorText = (error: unknown): string | undefined => {
  const problems = problemsOfZodError(error)
  if (problems === undefined) return undefined
  const count = problems.length === 1 ? 'a value' : `${problems.length} values`
  return `a schema refused ${count} (ZodError):\n\n${formatProblems(problems, 'the value itself')}`
}

/** The reason why one alternative of a union does not fit. */
const alternative = (issues: readonly z.core.$ZodIssue[]): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join(', ')

const isIssue = (issue: unknown): issue is z.core.$ZodIssue => {
  const { path, message } = (issue ?? {}) as { path?: unknown; message?: unknown }
  return Array.isArray(path) && typeof message === 'string'
}
