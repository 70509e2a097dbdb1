import type { AnySystemConfig } from './define-system.ts'
import { needOf } from './kind.ts'

/** What one need of a component is wired to. */
export interface Wire {
  readonly need: string
  readonly mode: 'one' | 'optional' | 'many' | 'all'
  /** Enabled components alone, in the order listed, or in that of the config where all of a kind are needed. */
  readonly names: readonly string[]
}

/** What each need of an entry is wired to, disabled components passed over; for a config that `checkConfig` found sound. */
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
