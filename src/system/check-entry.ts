/** Checks one entry of a system config by itself: its name, its keys, its component, its config, its deadlines. */

import { parseConfig } from './check-schema.ts'
import type { ConfigProblem } from './config-problem.ts'
import type { AnyComponent } from './define-system.ts'
import { needOf } from './kind.ts'
import { isPlainObject } from './plain-object.ts'
import { didYouMean, found, listed } from './suggestion.ts'

/** An entry that is sound enough for its wiring to be looked at. */
export interface ReadEntry {
  readonly component: AnyComponent
  readonly enabled: boolean
  /** As written; empty if nothing usable is written. */
  readonly dependencies: Readonly<Record<string, unknown>>
  /** The config as parsed by the component's schema, if it is valid. */
  readonly config: { readonly value: unknown } | undefined
}

/** An hour: a component that takes longer cannot be distinguished from one that hangs. Timers of Node end at 24.8 days. */
const longestDeadlineMs = 3_600_000
/** The keys of an entry of a system config. */
export const entryKeys = ['component', 'config', 'dependencies', 'enabled', 'startDeadlineMs', 'stopDeadlineMs']
/** `await`, `JSON.stringify` and inspectors read these names of the system map and would call a component as their hook. */
const hooks = new Set(['then', 'toJSON', 'inspect'])

/** Adds the problems of the entry to `problems`. @returns undefined if it names no usable component. */
export const checkEntry = (name: string, value: unknown, problems: ConfigProblem[]): ReadEntry | undefined => {
  const report = (path: readonly (string | number)[], message: string): void => {
    problems.push({ path: [name, ...path], message })
  }
  checkName(name, report)
  if (!isPlainObject(value)) {
    report([], `an entry is an object like { component: ... }; found ${found(value)}`)
    return undefined
  }
  for (const key of Object.keys(value)) {
    if (entryKeys.includes(key)) continue
    report(
      [key],
      `an entry has no '${key}'${didYouMean(key, entryKeys) || `; it may have ${listed(entryKeys, 'and')}`}`,
    )
  }
  checkOptions(value, report)
  const own = (key: string): unknown => (Object.hasOwn(value, key) ? value[key] : undefined)
  const component = own('component')
  if (!checkComponent(component, report)) return undefined
  const dependencies = own('dependencies') === undefined ? {} : own('dependencies')
  if (!isPlainObject(dependencies)) {
    report(['dependencies'], `must be an object of component names by need; found ${found(dependencies)}`)
  }
  return {
    component,
    enabled: own('enabled') !== false,
    dependencies: isPlainObject(dependencies) ? dependencies : {},
    config: parseConfig(component.config, own('config'), (path, message) => report(['config', ...path], message)),
  }
}

type Report = (path: readonly (string | number)[], message: string) => void

/** The name stands in paths (`server.config.port`), in `--set server.port=1`, and is a property of the system map. */
const checkName = (name: string, report: Report): void => {
  if (name in {} || hooks.has(name)) {
    report([], `'${name}' cannot be a component's name: JavaScript itself looks for it on the system map`)
  } else if (!/^\p{L}[\p{L}\p{N}_-]*$/u.test(name)) {
    report([], `'${name}' cannot be a component's name: it must be a letter followed by letters, digits, '-' or '_'`)
  }
}

const checkOptions = (entry: Record<string, unknown>, report: Report): void => {
  const { enabled } = entry
  if (enabled !== undefined && typeof enabled !== 'boolean')
    report(['enabled'], `must be true or false; found ${found(enabled)}`)
  for (const key of ['startDeadlineMs', 'stopDeadlineMs']) {
    const value = entry[key]
    if (value === undefined || (typeof value === 'number' && value >= 1 && value <= longestDeadlineMs)) continue
    const shown = typeof value === 'number' ? value : found(value)
    report([key], `must be a number of milliseconds from 1 to ${longestDeadlineMs}; found ${shown}`)
  }
}

const checkComponent = (component: unknown, report: Report): component is AnyComponent => {
  const wrong = (what: string): void => report(['component'], `not a component (defineComponent makes one): ${what}`)
  if (typeof component !== 'object' || component === null) {
    wrong(`found ${found(component)}`)
    return false
  }
  const fields = component as Readonly<Record<string, unknown>>
  const faults: string[] = []
  const provides = fields['provides'] as { name?: unknown } | null | undefined
  if (typeof provides?.name !== 'string') faults.push(`its 'provides' is ${found(provides)}, not a kind`)
  if (!isPlainObject(fields['needs'])) faults.push(`its 'needs' is ${found(fields['needs'])}, not an object of kinds`)
  else
    for (const [need, kind] of Object.entries(fields['needs']))
      if (!isNeed(kind)) faults.push(`its need '${need}' is ${found(kind)}, not a kind`)
  const schema = fields['config'] as { safeParse?: unknown } | null | undefined
  if (typeof schema?.safeParse !== 'function') faults.push(`its 'config' is ${found(schema)}, not a zod schema`)
  if (typeof fields['start'] !== 'function') faults.push(`its 'start' is ${found(fields['start'])}, not a function`)
  for (const name of [
    'check',
    'measure',
    'refresh',
    'stop',
    'suspend',
    'resume',
    'describe',
    'reads',
    'exclusive',
    'fixed',
    'adjust',
    'connections',
    'verify',
  ]) {
    if (fields[name] !== undefined && typeof fields[name] !== 'function')
      faults.push(`its '${name}' is ${found(fields[name])}, not a function`)
  }
  if (faults.length > 0) wrong(faults.join('; '))
  return faults.length === 0
}

const isNeed = (need: unknown): boolean => {
  if (typeof need !== 'object' || need === null) return false
  const { kind, mode } = needOf(need as Parameters<typeof needOf>[0])
  return ['one', 'optional', 'many', 'all'].includes(mode) && typeof kind?.name === 'string'
}
