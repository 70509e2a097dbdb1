import { type ConfigProblem, formatProblems } from './config-problem.ts'
import { SystemError } from './system-error.ts'

/** The error that lists all problems of a config. */
export const configInvalid = (problems: readonly ConfigProblem[]): SystemError => {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const message = `the system config has ${count}:\n\n${formatProblems(problems)}`
  return new SystemError('CONFIG_INVALID', message, { phase: 'check', problems })
}
