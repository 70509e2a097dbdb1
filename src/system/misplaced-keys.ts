/** Finds values of a config that are in the entry of a wrong component. */

import type { ReadEntry } from './check-entry.ts'
import type { ConfigProblem } from './config-problem.ts'
import { keysOf } from './schema-keys.ts'
import { listed } from './suggestion.ts'

/** Adds to each unknown key of a config the components that have a value of that name. */
export const nameOwnersOfKeys = (
  problems: readonly ConfigProblem[],
  entries: ReadonlyMap<string, ReadEntry | undefined>,
): ConfigProblem[] =>
  problems.map((problem) => {
    const [name, part, key, ...rest] = problem.path
    const unknown = `there is no '${key}' here`
    if (part !== 'config' || rest.length > 0 || !problem.message.startsWith(unknown)) return problem
    const owners = [...entries].filter(([other, entry]) => other !== name && hasKey(entry, String(key)))
    if (owners.length === 0) return problem
    return { ...problem, message: `${unknown}; it is a value of ${listed(owners.map(([owner]) => owner))}` }
  })

const hasKey = (entry: ReadEntry | undefined, key: string): boolean =>
  entry !== undefined && keysOf([entry.component.config]).includes(key)
