import type { AnySystemConfig } from './define-system.ts'
import { needOf } from './kind.ts'

/** What one need of a component is wired to. */
export interface Wire {
  readonly need: string
  readonly mode: 'one' | 'optional' | 'many'
  /** Enabled components alone, in the order listed. */
  readonly names: readonly string[]
}

/** What each need of an entry is wired to, disabled components passed over; for a config that `checkConfig` found sound. */
export const wiresOf = (config: AnySystemConfig, name: string): readonly Wire[] => {
  const { component, dependencies = {} } = config[name]!
  return Object.keys(component.needs).map((need) => {
    const wired = Object.hasOwn(dependencies, need) ? (dependencies[need] ?? []) : []
    const names = [wired].flat().filter((target) => config[target]!.enabled !== false)
    return { need, mode: needOf(component.needs[need]).mode, names }
  })
}
