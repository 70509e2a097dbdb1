/** Checks a system config at run time: the rules that the compiler enforces, and those that it cannot check. */

import { checkEntry, type ReadEntry } from './check-entry.ts'
import { checkWiring } from './check-wiring.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { AnySystemConfig } from './define-system.ts'
import { nameOwnersOfKeys } from './misplaced-keys.ts'
import { isPlainObject } from './plain-object.ts'
import { found } from './suggestion.ts'
import { messageOf } from './system-error.ts'

export { formatPath, formatProblems } from './config-problem.ts'

/** The result of the check of a config. */
export interface CheckedConfig {
  /** Empty when the system may start. */
  readonly problems: readonly ConfigProblem[]
  /** The parsed config of each component whose config is valid, by name. */
  readonly configs: Readonly<Record<string, unknown>>
}

/**
 * Checks everything that TypeScript checks and what it cannot check, and reports all problems together. Starts nothing and
 * never throws. Disabled components are checked like enabled components, so that enabling one is safe. They do not satisfy a
 * required need, are not part of a cycle and do not count as a second provider of a unique kind.
 */
export const checkConfig = (config: AnySystemConfig | unknown): CheckedConfig => {
  const problems: ConfigProblem[] = []
  const configs: Record<string, unknown> = Object.create(null)
  try {
    if (!isPlainObject(config)) {
      const message = `a system config is a plain object of components by name; found ${found(config)}`
      return { problems: [{ path: [], message }], configs }
    }
    const entries = new Map<string, ReadEntry | undefined>()
    for (const name of Object.keys(config)) {
      const entry = checkEntry(name, config[name], problems)
      entries.set(name, entry)
      if (entry?.config !== undefined) configs[name] = entry.config.value
    }
    checkWiring(entries, problems)
    sortByComponent(problems, [...entries.keys()])
    return { problems: nameOwnersOfKeys(problems, entries), configs }
  } catch (error) {
    // Reached only if the config is not plain data: a getter or a proxy has thrown.
    problems.push({ path: [], message: `the config cannot be read: ${messageOf(error)}` })
  }
  return { problems, configs }
}

/** The problems of a component are listed together, in the order of the config. */
const sortByComponent = (problems: ConfigProblem[], names: readonly string[]): void => {
  const rank = new Map(names.map((name, index): [string | number | undefined, number] => [name, index]))
  problems.sort((a, b) => (rank.get(a.path[0]) ?? 0) - (rank.get(b.path[0]) ?? 0))
}
