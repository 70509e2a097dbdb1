/** The check that a component makes of its own entry. */

import type { ReadEntry } from './check-entry.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { Needs, Provider } from './define-system.ts'
import { type Need, needOf } from './kind.ts'
import { isPlainObject } from './plain-object.ts'
import { found } from './suggestion.ts'
import { messageOf } from './system-error.ts'

/**
 * Adds what the component's `check` finds to `problems`. Skipped for a disabled entry, in whose lists other disabled
 * components may be missing, and for one whose config is not valid.
 */
export const checkByComponent = (
  name: string,
  entry: ReadEntry,
  entries: ReadonlyMap<string, ReadEntry | undefined>,
  problems: ConfigProblem[],
): void => {
  const { component, config, enabled, dependencies } = entry
  if (component.check === undefined || config === undefined || !enabled) return
  // The kind of an unreadable entry is not known, and the unreadable entry is reported already.
  const needsAll = Object.values(component.needs as Needs).some((need) => needOf(need).mode === 'all')
  const wired = needsAll ? [...entries.keys()] : Object.values(dependencies).flat()
  if (wired.some((to) => typeof to === 'string' && entries.has(to) && entries.get(to) === undefined)) return
  const report = (what: string): void => {
    problems.push({ path: [name, 'component'], message: `its check ${what}` })
  }
  try {
    const reported: unknown = component.check(config.value, providersOf(name, entry, entries))
    if (!Array.isArray(reported) || !reported.every(isProblem)) {
      report(`returned ${found(reported)}, not a list of problems`)
      return
    }
    for (const { path, message } of reported) problems.push({ path: [name, ...path], message })
  } catch (error) {
    report(`threw: ${messageOf(error)}`)
  }
}

/** The providers of each need of a correctly wired entry. */
const providersOf = (
  ownName: string,
  { component, dependencies }: ReadEntry,
  entries: ReadonlyMap<string, ReadEntry | undefined>,
): Record<string, Provider | undefined | readonly Provider[]> => {
  const providerOf = (name: unknown): readonly Provider[] => {
    const target = typeof name === 'string' ? entries.get(name) : undefined
    return target?.enabled === true ? [{ name: name as string, provides: target.component.provides }] : []
  }
  return Object.fromEntries(
    Object.entries(component.needs as Needs).map(([need, of]: [string, Need]) => {
      const { mode, kind } = needOf(of)
      if (mode === 'all') {
        const others = [...entries.keys()].filter((name) => name !== ownName).flatMap(providerOf)
        return [need, others.filter(({ provides }) => provides.name === kind.name)]
      }
      const providers = [Object.hasOwn(dependencies, need) ? dependencies[need] : undefined].flat().flatMap(providerOf)
      return [need, mode === 'many' ? providers : providers[0]]
    }),
  )
}

const isProblem = (value: unknown): value is ConfigProblem =>
  isPlainObject(value) && Array.isArray(value['path']) && typeof value['message'] === 'string'
