import { NO_MATCH, type RetainedNode } from './retained-node.ts'

/** How far a search has come. */
export const SearchState = {
  /** There are more nodes to look at. */
  Going: 0,
  /** `numbers` has every topic that matches. */
  Done: 1,
  /** It has given up: the tree has changed since it started, or it has found too much. */
  Abandoned: 2,
} as const
export type SearchState = (typeof SearchState)[keyof typeof SearchState]

/** Counts the topics that were added to a tree or removed from it. */
export interface TreeChanges {
  readonly count: number
}

/**
 * A search in the tree of retained messages for the topics that match a Topic Filter, by the rules of section 4.7. It visits
 * the nodes that the filter leads to, a bounded number in each step. The tree may change between two steps: if topics are added
 * or removed, the search gives up, since labels of nodes have changed.
 */
export class RetainedSearch {
  readonly #levels: readonly string[]
  readonly #maximum: number
  readonly #changes: TreeChanges
  readonly #changesAtStart: number
  /** The numbers of the topics found, in no special order. */
  readonly numbers: number[] = []
  /** The nodes on the way to the next one, from the root on. */
  readonly #path: Place[] = []
  #state: SearchState = SearchState.Going
  #visited = 0

  /**
   * @param filter a legal Topic Filter, not `$share/...`.
   * @param maximum topics to find: with one more the search gives up.
   */
  constructor(root: RetainedNode, filter: string, maximum: number, changes: TreeChanges) {
    this.#levels = filter.split('/')
    this.#maximum = maximum
    this.#changes = changes
    this.#changesAtStart = changes.count
    this.#follow(root, 0, true)
  }

  get state(): SearchState {
    return this.#state
  }

  /**
   * Goes on.
   * @param limit nodes to visit. Those that levels without wildcards lead to from the last one are visited as well.
   * @returns how many nodes were visited since the last call.
   */
  step(limit: number): number {
    if (this.#changes.count !== this.#changesAtStart) this.#state = SearchState.Abandoned
    while (this.#state === SearchState.Going && this.#visited < limit) this.#next()
    const visited = this.#visited
    this.#visited = 0
    return visited
  }

  #next(): void {
    const place = this.#path.at(-1)
    if (place === undefined) {
      this.#state = SearchState.Done
      return
    }
    const next = place.children.next()
    if (next.done === true) {
      this.#path.pop()
      return
    }
    const child = next.value
    // A wildcard at the first level does not match a topic that begins with `$` [MQTT-4.7.2-1].
    this.#visited += 1
    if (place.isRoot && child.label.charCodeAt(0) === DOLLAR) return
    const depth = child.matchLabel(this.#levels, place.depth)
    if (depth !== NO_MATCH) this.#follow(child, depth, false)
  }

  /** Goes on below a node whose levels, from the root on, match the filter up to the level before `depth`. */
  #follow(from: RetainedNode, depth: number, isRoot: boolean): void {
    let node = from
    let next = depth
    // Levels without wildcards lead to one node. This is a loop, since there may be too many of them for the stack.
    for (let level = this.#levels[next]; level !== '+' && level !== '#'; level = this.#levels[next]) {
      if (level === undefined) {
        this.#found(node)
        return
      }
      const child = node.child(level)
      if (child === undefined) return
      this.#visited += 1
      next = child.matchLabel(this.#levels, next)
      if (next === NO_MATCH) return
      node = child
    }
    // `a/#` matches `a` (section 4.7.1.2).
    if (this.#levels[next] === '#') this.#found(node)
    this.#path.push({ children: node.children[Symbol.iterator](), depth: next, isRoot: isRoot && node === from })
  }

  #found({ hasMessage, number }: RetainedNode): void {
    if (!hasMessage) return
    if (this.numbers.length === this.#maximum) this.#state = SearchState.Abandoned
    else this.numbers.push(number)
  }
}

interface Place {
  /** Those that are yet to be visited. */
  readonly children: Iterator<RetainedNode>
  /** The level of the filter that they are matched with. */
  readonly depth: number
  readonly isRoot: boolean
}

const DOLLAR = 0x24
