import type { AnySystemConfig } from './define-system.ts'
import { needOf } from './kind.ts'

/** The providers of one need of a component. */
export interface Wire {
  readonly need: string
  readonly mode: 'one' | 'optional' | 'many' | 'all'
  /** Only enabled components, in the order listed. If all components of a kind are needed: in the order of the config. */
  readonly names: readonly string[]
}

/**
 * The providers of each need of an entry, without disabled components. Takes a config without problems, as checked by
 * `checkConfig`.
 */
export const wiresOf = (config: AnySystemConfig, name: string): readonly Wire[] => {
  const { component, dependencies = {} } = config[name]!
  return Object.keys(component.needs).map((need) => {
    const { kind, mode } = needOf(component.needs[need])
    if (mode === 'all') return { need, mode, names: allOfKind(config, kind.name, name) }
    const wired = Object.hasOwn(dependencies, need) ? (dependencies[need] ?? []) : []
    const names = [wired].flat().filter((target) => config[target]!.enabled !== false)
    return { need, mode, names }
  })
}

const allOfKind = (config: AnySystemConfig, kind: string, except: string): readonly string[] =>
  Object.keys(config).filter((name) => {
    const { component, enabled } = config[name]!
    return name !== except && enabled !== false && component.provides.name === kind
  })
