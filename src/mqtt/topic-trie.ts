import { SmallMap } from '../collections/small-map.ts'

/**
 * An index of values by Topic Filter, with the matching rules of section 4.7.
 *
 * Filters without wildcards are the keys of a map: one look-up finds them. Filters with wildcards are in a tree with one node
 * for each level. A match never goes deeper than the tree, and it is a loop: a topic of 65,535 slashes costs no more than the
 * stored filters require.
 */
export class TopicTrie<V extends object> {
  readonly #exact = new Map<string, V>()
  readonly #root = new Node<V>()
  #nodes = 0
  /** Filters in the tree. */
  #wildcards = 0

  /** Nodes of the tree, below the root: the cost of filters with wildcards. A `#` takes no node. */
  get nodes(): number {
    return this.#nodes
  }

  /** The number of filters with a value. */
  get size(): number {
    return this.#exact.size + this.#wildcards
  }

  /** The value of exactly this filter. */
  get(filter: string): V | undefined {
    if (!hasWildcard(filter)) return this.#exact.get(filter)
    let node: Node<V> | undefined = this.#root
    for (const level of filter.split('/')) {
      if (level === '#') return node.rest
      node = level === '+' ? node.plus : node.children?.get(level)
      if (node === undefined) return undefined
    }
    return node.value
  }

  /**
   * Sets the value of a filter and replaces an earlier one. A filter with a wildcard takes a node for each of its levels, so
   * the caller has to limit the depth of filters from clients.
   * @param filter a valid Topic Filter.
   */
  set(filter: string, value: V): void {
    if (!hasWildcard(filter)) {
      this.#exact.set(filter, value)
      return
    }
    let node = this.#root
    for (const level of filter.split('/')) {
      if (level === '#') {
        if (node.rest === undefined) this.#wildcards += 1
        node.rest = value
        return
      }
      node = this.#child(node, level)
    }
    if (node.value === undefined) this.#wildcards += 1
    node.value = value
  }

  /** Removes the value of a filter, and the nodes that are not needed any more. @returns false if there was no value. */
  delete(filter: string): boolean {
    if (!hasWildcard(filter)) return this.#exact.delete(filter)
    const levels = filter.split('/')
    const path = [this.#root]
    for (const level of levels) {
      if (level === '#') break
      const node = path.at(-1)!
      const child = level === '+' ? node.plus : node.children?.get(level)
      if (child === undefined) return false
      path.push(child)
    }
    const end = path.at(-1)!
    // All levels except `#` have a node, and the root is one more. This distinguishes the two kinds of end.
    const field = path.length > levels.length ? 'value' : 'rest'
    if (end[field] === undefined) return false
    end[field] = undefined
    this.#wildcards -= 1
    for (let depth = path.length - 1; depth > 0 && isEmpty(path[depth]!); depth -= 1) {
      const parent = path[depth - 1]!
      const level = levels[depth - 1]!
      if (level === '+') parent.plus = undefined
      else parent.children?.delete(level)
      this.#nodes -= 1
    }
    return true
  }

  /** All filters with their values. The trie must not be changed meanwhile. */
  *entries(): IterableIterator<readonly [filter: string, value: V]> {
    yield* this.#exact
    const nodes: (readonly [path: string, node: Node<V>])[] = [['', this.#root]]
    for (let next = nodes.pop(); next !== undefined; next = nodes.pop()) {
      const [path, { value, rest, plus, children }] = next
      if (value !== undefined) yield [path.slice(0, -1), value]
      if (rest !== undefined) yield [`${path}#`, rest]
      if (plus !== undefined) nodes.push([`${path}+/`, plus])
      if (children !== undefined)
        for (const [level, child] of children.entries()) nodes.push([`${path}${level}/`, child])
    }
  }

  /** The values of all filters. The trie must not be changed meanwhile. */
  *values(): IterableIterator<V> {
    yield* this.#exact.values()
    const nodes = [this.#root]
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.value !== undefined) yield node.value
      if (node.rest !== undefined) yield node.rest
      if (node.plus !== undefined) nodes.push(node.plus)
      if (node.children !== undefined) for (const child of node.children.values()) nodes.push(child)
    }
  }

  /**
   * Starts a search for the values of all filters that match a topic. The exact filter comes first.
   * @param topic a valid Topic Name.
   */
  match(topic: string): TopicMatch<V> {
    return new TopicMatch(topic, this.#exact.get(topic), this.#wildcards > 0 ? this.#root : undefined)
  }

  /** The node of a level below another, made when there is none. */
  #child(node: Node<V>, level: string): Node<V> {
    const existing = level === '+' ? node.plus : node.children?.get(level)
    if (existing !== undefined) return existing
    const child = new Node<V>()
    this.#nodes += 1
    if (level === '+') {
      node.plus = child
    } else {
      node.children ??= new SmallMap()
      node.children.set(level, child)
    }
    return child
  }
}

/**
 * The search for the filters that match one topic. It walks the tree breadth first and can be paused after any number of nodes,
 * since filters of `a` and `+` may lead a topic through every node of the tree. Filters that are added or removed meanwhile may
 * be found or not. All others are found.
 */
export class TopicMatch<V extends object> {
  /** What was found so far. */
  readonly found: V[] = []
  readonly #topic: string
  /** The nodes that are visited at this level, and which of them is next. */
  #reached: Node<V>[]
  #next = 0
  /** Their children that are visited at the next level. */
  #deeper: Node<V>[] = []
  /** Where the next level begins in the topic. */
  #start = 0
  /** The level of the topic that children are compared to; undefined when the topic has no more of them. */
  #level: string | undefined
  #wildcards: boolean

  /** @param exact the value of the filter that equals the topic. @param root of the tree; undefined when it is empty. */
  constructor(topic: string, exact: V | undefined, root: Node<V> | undefined) {
    this.#topic = topic
    if (exact !== undefined) this.found.push(exact)
    this.#reached = root === undefined ? [] : [root]
    // A wildcard at the first level does not match a topic that begins with `$` [MQTT-4.7.2-1].
    this.#wildcards = topic.charCodeAt(0) !== DOLLAR
    this.#level = this.#nextLevel()
  }

  /** Whether everything was found. */
  get done(): boolean {
    return this.#reached.length === 0
  }

  /** Continues the search. @param limit the maximum number of nodes to visit. @returns the number of nodes visited. */
  step(limit: number): number {
    let visited = 0
    while (this.#reached.length > 0 && visited < limit) {
      const end = Math.min(this.#reached.length, this.#next + limit - visited)
      visited += end - this.#next
      if (this.#level === undefined) this.#finish(end)
      else this.#visit(end, this.#level)
      this.#next = end
      if (end === this.#reached.length) this.#deepen()
    }
    return visited
  }

  /** A Topic Name is matched as it stands, without any normalization [MQTT-4.7.3-4]. */
  #visit(end: number, level: string): void {
    const reached = this.#reached
    const deeper = this.#deeper
    const wildcards = this.#wildcards
    for (let index = this.#next; index < end; index += 1) {
      const { children, plus, rest } = reached[index]!
      const child = children?.get(level)
      if (child !== undefined) deeper.push(child)
      if (!wildcards) continue
      if (plus !== undefined) deeper.push(plus)
      if (rest !== undefined) this.found.push(rest)
    }
  }

  /** The topic ends at these nodes. */
  #finish(end: number): void {
    for (let index = this.#next; index < end; index += 1) {
      const { value, rest } = this.#reached[index]!
      if (value !== undefined) this.found.push(value)
      // `#` stands for any number of levels, including zero: `a/#` matches `a` (section 4.7.1.2).
      if (rest !== undefined) this.found.push(rest)
    }
  }

  #deepen(): void {
    this.#reached = this.#deeper
    this.#deeper = []
    this.#next = 0
    this.#wildcards = true
    if (this.#reached.length > 0) this.#level = this.#nextLevel()
  }

  #nextLevel(): string | undefined {
    if (this.#start > this.#topic.length) return undefined
    const slash = this.#topic.indexOf('/', this.#start)
    const end = slash === -1 ? this.#topic.length : slash
    const level = this.#topic.slice(this.#start, end)
    this.#start = end + 1
    return level
  }
}

/** Whether a Topic Filter is one that stands in the tree. */
export const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#')

/** A level of the tree. */
class Node<V extends object> {
  /** By the level that they stand for. */
  children: SmallMap<string, Node<V>> | undefined = undefined
  /** The child that stands for `+`. */
  plus: Node<V> | undefined = undefined
  /** The value of the filter that ends here. */
  value: V | undefined = undefined
  /** The value of the filter that continues with `#`. */
  rest: V | undefined = undefined
}

const DOLLAR = 0x24

const isEmpty = <V extends object>({ children, plus, value, rest }: Node<V>): boolean =>
  plus === undefined && value === undefined && rest === undefined && (children === undefined || children.size === 0)
