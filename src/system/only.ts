/** A part of a system: some components and all that they depend on. */

import type { AnyComponent } from './component.ts'
import { configInvalid } from './config-invalid.ts'
import type { ConfigProblem } from './config-problem.ts'
import { isReadable } from './is-readable.ts'
import { type Need, needOf } from './kind.ts'
import { isPlainObject } from './plain-object.ts'
import { didYouMean, listed } from './suggestion.ts'

/**
 * The part of a system that runs the components named: these, and what they depend on, directly or not. All other components
 * are left out, and their config is not checked. Names of disabled components are removed from lists and from optional needs.
 * The system given is not changed.
 *
 * @returns the type has the components named. What they depend on is in the config as well; name it too to read it from the
 * system map.
 * @throws SystemError CONFIG_INVALID when a name is not that of an enabled component. The rest is checked by `createSystem`.
 */
export const only = <C extends object, N extends keyof C & string>(system: C, ...names: readonly N[]): Pick<C, N> => {
  const { config, problems } = partOf(system, names, 'only')
  if (problems.length > 0) throw configInvalid(problems)
  return config as Pick<C, N>
}

/**
 * The same for a config that is not checked yet, with the problems of the names.
 * @param label the origin of the names in problems: `--only`.
 */
export const partOf = (
  config: unknown,
  names: readonly string[],
  label: string,
): { readonly config: unknown; readonly problems: readonly ConfigProblem[] } => {
  const problems: ConfigProblem[] = []
  // A value that is not a config is reported by its check.
  if (!isPlainObject(config)) return { config, problems }
  for (const name of names) {
    const problem = problemOf(config, name)
    if (problem !== undefined) problems.push({ path: [label], message: problem })
  }
  const part = new Map<string, unknown>()
  // Grows while it is walked.
  const reached = new Set(names.filter((name) => Object.hasOwn(config, name)))
  for (const name of reached) {
    const entry = withoutDisabled(config, config[name])
    part.set(name, entry)
    for (const dependency of dependenciesOf(config, name, entry)) reached.add(dependency)
  }
  const inOrder = Object.keys(config).filter((name) => reached.has(name))
  return { config: Object.fromEntries(inOrder.map((name) => [name, part.get(name)])), problems }
}

const problemOf = (config: Readonly<Record<string, unknown>>, name: string): string | undefined => {
  if (!Object.hasOwn(config, name)) {
    const names = Object.keys(config)
    return `there is no component '${name}'${didYouMean(name, names) || `; there are ${listed(names, 'and')}`}`
  }
  return isDisabled(config, name) ? `'${name}' is disabled; enable it in the config to run it` : undefined
}

/** The entry as written, but for the names of disabled components where they may be left out. */
const withoutDisabled = (config: Readonly<Record<string, unknown>>, entry: unknown): unknown => {
  if (!isPlainObject(entry) || !isPlainObject(entry['dependencies'])) return entry
  const needs = needsOf(entry)
  const dependencies = Object.entries(entry['dependencies']).flatMap(([need, wired]): [string, unknown][] => {
    if (Array.isArray(wired)) return [[need, wired.filter((name) => !isDisabled(config, name))]]
    const mode = Object.hasOwn(needs, need) ? needOf(needs[need]!).mode : undefined
    return mode === 'optional' && isDisabled(config, wired) ? [] : [[need, wired]]
  })
  return { ...entry, dependencies: Object.fromEntries(dependencies) }
}

/** The components of the config that an entry depends on. */
const dependenciesOf = (config: Readonly<Record<string, unknown>>, name: string, entry: unknown): readonly string[] => {
  if (!isPlainObject(entry)) return []
  const wired = isPlainObject(entry['dependencies']) ? Object.values(entry['dependencies']).flat() : []
  const kinds = Object.values(needsOf(entry))
    .map(needOf)
    .filter(({ mode }) => mode === 'all')
    .map(({ kind }) => kind.name)
  const ofKinds = Object.keys(config).filter((other) => {
    const component = componentOf(config[other])
    return other !== name && !isDisabled(config, other) && kinds.includes(component?.provides.name)
  })
  return [...wired, ...ofKinds].filter((to): to is string => typeof to === 'string' && Object.hasOwn(config, to))
}

const needsOf = (entry: unknown): Readonly<Record<string, Need>> => componentOf(entry)?.needs ?? {}

const componentOf = (entry: unknown): AnyComponent | undefined =>
  isPlainObject(entry) && isReadable(entry['component']) ? entry['component'] : undefined

const isDisabled = (config: Readonly<Record<string, unknown>>, name: unknown): boolean => {
  const entry = typeof name === 'string' && Object.hasOwn(config, name) ? config[name] : undefined
  return isPlainObject(entry) && entry['enabled'] === false
}
