/** The dependencies of each component, by name, in the order of the config. */
export type DependencyGraph = ReadonlyMap<string, readonly string[]>

/**
 * The components in waves: each depends only on components of earlier waves, and all of a wave could start at once.
 * Within a wave they stand in the order of the config, so the same config always has the same order. Linear in
 * components and dependencies, without recursion.
 *
 * @throws Error when the graph has a cycle or names a component that it does not contain; `checkConfig` reports both first.
 */
export const startWaves = (graph: DependencyGraph): readonly (readonly string[])[] => {
  const waveOf = new Map<string, number>()
  const pending = new Map<string, number>()
  for (const [name, dependencies] of graph) pending.set(name, dependencies.length)
  const dependents = dependentsOf(graph)
  const ready = [...graph.keys()].filter((name) => pending.get(name) === 0)
  for (const name of ready) waveOf.set(name, 0)
  // `ready` grows while it is walked: what the last dependency of a component releases joins at the end, so waves come in
  // order, and the last dependency is in the latest wave of all.
  for (const name of ready) {
    for (const dependent of dependents.get(name)!) {
      pending.set(dependent, pending.get(dependent)! - 1)
      if (pending.get(dependent) !== 0) continue
      waveOf.set(dependent, waveOf.get(name)! + 1)
      ready.push(dependent)
    }
  }
  if (ready.length < graph.size) throw new Error('the dependencies have a cycle: there is no order to start them in')
  const waves: string[][] = []
  for (const name of graph.keys()) {
    const wave = waveOf.get(name)!
    while (waves.length <= wave) waves.push([])
    waves[wave]!.push(name)
  }
  return waves
}

/** The reversed graph: the dependents of each component, in the order of the graph. */
export const dependentsOf = (graph: DependencyGraph): ReadonlyMap<string, readonly string[]> => {
  const dependents = new Map<string, string[]>([...graph.keys()].map((name) => [name, []]))
  for (const [name, dependencies] of graph) {
    for (const dependency of dependencies) {
      const list = dependents.get(dependency)
      if (list === undefined) throw new Error(`${name} depends on ${dependency}, which is not in the graph`)
      list.push(name)
    }
  }
  return dependents
}
