import type { Route } from './route.ts'
import { RouteMerge, type RouteSource } from './route-merge.ts'
import type { TopicMatch } from './topic-trie.ts'

/**
 * Makes a route: finds the filters that match a topic, then merges their subscriptions. The work can be divided: each step does
 * as much of it as it may.
 */
export class RouteCompilation {
  readonly #match: TopicMatch<RouteSource>
  #merge: RouteMerge | undefined
  #route: Route | undefined

  constructor(match: TopicMatch<RouteSource>) {
    this.#match = match
  }

  /** The route, once it is made. */
  get route(): Route | undefined {
    return this.#route ?? this.#merge?.merged
  }

  /**
   * Does the next part of the work.
   * @param units of work to do: one for each node visited and each target merged.
   * @returns the units done.
   */
  step(units: number): number {
    if (this.#merge !== undefined) return this.#merge.step(units)
    const visited = this.#match.step(units)
    if (!this.#match.done) return visited
    const { found } = this.#match
    if (found.length < 2) {
      // Most topics match one filter. The route of the filter is used then.
      this.#route = found[0]?.route ?? NO_TARGETS
      return visited
    }
    this.#merge = new RouteMerge(found)
    return visited + this.#merge.step(units - visited)
  }
}

const NO_TARGETS: Route = { targets: [], shared: [] }
