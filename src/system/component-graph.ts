/** The enabled components of a config, with what each depends on and the order in which they start and end. */

import type { AnySystemConfig } from './define-system.ts'
import { type DependencyGraph, dependentsOf, startWaves } from './start-order.ts'
import { type Wire, wiresOf } from './wiring.ts'

export class ComponentGraph {
  /** The enabled components in the order in which they start. */
  readonly order: readonly string[]
  readonly wires: ReadonlyMap<string, readonly Wire[]>
  readonly #dependencies: DependencyGraph
  readonly #dependents: DependencyGraph

  /** Takes a config without problems, as checked by `checkConfig`. */
  constructor(config: AnySystemConfig) {
    const enabled = Object.keys(config).filter((name) => config[name]!.enabled !== false)
    this.wires = new Map(enabled.map((name) => [name, wiresOf(config, name)]))
    this.#dependencies = new Map(
      enabled.map((name) => [name, distinct(this.wires.get(name)!.flatMap((wire) => wire.names))]),
    )
    this.#dependents = dependentsOf(this.#dependencies)
    this.order = startWaves(this.#dependencies).flat()
  }

  has(name: string): boolean {
    return this.wires.has(name)
  }

  /** The names of the components that it depends on, each once. */
  dependenciesOf(name: string): readonly string[] {
    return this.#dependencies.get(name)!
  }

  /** The argument of the functions that make an instance: what the needs of a component are wired to. */
  resolve(name: string, instanceOf: (name: string) => unknown): object {
    return Object.fromEntries(
      this.wires.get(name)!.map(({ need, mode, names }) => {
        const instances = names.map(instanceOf)
        return [need, mode === 'many' || mode === 'all' ? instances : instances[0]]
      }),
    )
  }

  /** Calls `start` for each of these components when it has settled for all that it depends on. */
  async inOrder(names: ReadonlySet<string>, start: (name: string) => Promise<void>): Promise<void> {
    // In start order, so that the promises of the dependencies exist already.
    const settled = new Map<string, Promise<void>>()
    for (const name of this.order) {
      if (!names.has(name)) continue
      const dependencies = this.dependenciesOf(name).map((dependency) => settled.get(dependency))
      settled.set(
        name,
        Promise.all(dependencies).then(() => start(name)),
      )
    }
    await Promise.all(settled.values())
  }

  /**
   * Calls `end` for each component when it has settled for all that depend on it.
   * @returns the results in this order, independent of timing.
   */
  async inReverse<T>(end: (name: string) => Promise<readonly T[]>): Promise<readonly T[]> {
    const ended = new Map<string, Promise<readonly T[]>>()
    for (const name of this.order.toReversed()) {
      const dependents = this.#dependents.get(name)!.map((dependent) => ended.get(dependent))
      ended.set(
        name,
        Promise.all(dependents).then(() => end(name)),
      )
    }
    return (await Promise.all(ended.values())).flat()
  }

  /** By name: the components whose failure keeps a component that waits from starting. */
  blame(stateOf: (name: string) => 'failed' | 'waiting' | undefined): ReadonlyMap<string, readonly string[]> {
    const blame = new Map<string, readonly string[]>()
    for (const name of this.order) {
      const state = stateOf(name)
      if (state === 'failed') blame.set(name, [name])
      if (state !== 'waiting') continue
      blame.set(name, distinct(this.dependenciesOf(name).flatMap((dependency) => blame.get(dependency) ?? [])))
    }
    return blame
  }
}

const distinct = (names: readonly string[]): readonly string[] => [...new Set(names)]
