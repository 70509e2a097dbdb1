/** One dependency: the component depended on, and where in the entry it is written. */
export interface Edge {
  readonly to: string
  readonly path: readonly (string | number)[]
}

/** A way from a component back to itself: `['a', 'b', 'a']`, and where `a` names `b`. */
export interface Cycle {
  readonly names: readonly string[]
  readonly path: readonly (string | number)[]
}

/**
 * Cycles of a graph, each once, at most `limit`: one for every edge that leads back to where a depth-first walk in the order of
 * the graph came from, so that breaking all of them leaves none. (All elementary cycles can be exponentially many.) Linear,
 * except for the length of the paths. Uses its own stack, so that a chain of any length can be walked.
 */
export const findCycles = (graph: ReadonlyMap<string, readonly Edge[]>, limit: number): readonly Cycle[] => {
  const cycles: Cycle[] = []
  const done = new Set<string>()
  const trail = new Trail()
  for (const root of graph.keys()) {
    if (done.has(root)) continue
    trail.enter(root)
    while (trail.steps.length > 0) {
      const step = trail.steps.at(-1)!
      const edge = graph.get(step.name)?.[step.next++]
      if (edge === undefined) {
        done.add(trail.leave())
      } else if (trail.has(edge.to)) {
        cycles.push(trail.cycleTo(edge.to, graph))
        if (cycles.length === limit) return cycles
      } else if (!done.has(edge.to)) {
        trail.enter(edge.to)
      }
    }
  }
  return cycles
}

/** The way from the root of the walk to where it is. */
class Trail {
  readonly steps: { readonly name: string; next: number }[] = []
  readonly #depths = new Map<string, number>()

  has(name: string): boolean {
    return this.#depths.has(name)
  }

  enter(name: string): void {
    this.#depths.set(name, this.steps.length)
    this.steps.push({ name, next: 0 })
  }

  leave(): string {
    const { name } = this.steps.pop()!
    this.#depths.delete(name)
    return name
  }

  cycleTo(name: string, graph: ReadonlyMap<string, readonly Edge[]>): Cycle {
    const steps = this.steps.slice(this.#depths.get(name))
    return { names: [...steps.map((step) => step.name), name], path: graph.get(name)![steps[0]!.next - 1]!.path }
  }
}
