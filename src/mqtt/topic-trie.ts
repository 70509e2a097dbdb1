/**
 * The index from Topic Filters to whatever is stored under them, by the matching rules of section 4.7.
 *
 * Filters without wildcards are the keys of a map: one look-up finds them, however many there are. Filters with wildcards
 * stand in a tree, a node to a level, where `+` and `#` are levels like any other, since no Topic Name contains them. A
 * match walks the tree breadth first and never deeper than the tree: a topic of 65,535 slashes costs no more than the
 * filters stored ask for, and no stack.
 */
export class TopicTrie<K, V> {
  readonly #exact = new Map<string, Map<K, V>>()
  readonly #root: Node<K, V> = { children: undefined, values: undefined }
  #nodes = 0
  #size = 0

  /** Nodes of the tree, below the root: what the filters with wildcards cost. */
  get nodes(): number {
    return this.#nodes
  }

  /** Values held, over all filters. */
  get size(): number {
    return this.#size
  }

  /**
   * Stores a value under a filter and a key, instead of the one stored under both before. A filter with a wildcard takes a
   * node for each of its levels: whoever takes filters from strangers limits their depth.
   * @param filter a valid Topic Filter.
   */
  set(filter: string, key: K, value: V): void {
    const values = hasWildcard(filter) ? this.#wildcardValues(filter) : this.#exactValues(filter)
    const before = values.size
    values.set(key, value)
    this.#size += values.size - before
  }

  /**
   * Removes the value under a filter and a key, and the nodes that nothing needs any more.
   * @returns false when there was none.
   */
  delete(filter: string, key: K): boolean {
    const deleted = hasWildcard(filter) ? this.#deleteWildcard(filter, key) : this.#deleteExact(filter, key)
    if (deleted) this.#size--
    return deleted
  }

  /**
   * Finds what is stored under the filters that match a topic: one map for each of these filters, so that a key stored
   * under several of them is met several times. The maps are the trie's own: read them before the next change.
   * @param topic a valid Topic Name.
   */
  match(topic: string): ReadonlyMap<K, V>[] {
    const found: ReadonlyMap<K, V>[] = []
    addValues(this.#exact.get(topic), found)
    // A wildcard at the first level does not match a topic that begins with `$` [MQTT-4.7.2-1].
    const hidden = topic.startsWith('$')
    let reached = [this.#root]
    for (let start = 0, end = 0; reached.length > 0 && start <= topic.length; start = end + 1) {
      end = levelEnd(topic, start)
      const level = topic.slice(start, end)
      const wildcards = start > 0 || !hidden
      const deeper: Node<K, V>[] = []
      for (const { children } of reached) {
        if (children === undefined) continue
        addNode(children.get(level), deeper)
        if (!wildcards) continue
        addNode(children.get('+'), deeper)
        addValues(children.get('#')?.values, found)
      }
      reached = deeper
    }
    for (const { values, children } of reached) {
      addValues(values, found)
      // `#` stands for any number of levels, none included: `a/#` matches `a` [MQTT-4.7.1-2].
      addValues(children?.get('#')?.values, found)
    }
    return found
  }

  #exactValues(filter: string): Map<K, V> {
    let values = this.#exact.get(filter)
    if (values === undefined) {
      values = new Map()
      this.#exact.set(filter, values)
    }
    return values
  }

  #deleteExact(filter: string, key: K): boolean {
    const values = this.#exact.get(filter)
    if (values?.delete(key) !== true) return false
    if (values.size === 0) this.#exact.delete(filter)
    return true
  }

  #wildcardValues(filter: string): Map<K, V> {
    let node = this.#root
    for (const level of filter.split('/')) {
      node.children ??= new Map()
      let child = node.children.get(level)
      if (child === undefined) {
        child = { children: undefined, values: undefined }
        node.children.set(level, child)
        this.#nodes++
      }
      node = child
    }
    node.values ??= new Map()
    return node.values
  }

  #deleteWildcard(filter: string, key: K): boolean {
    const levels = filter.split('/')
    const path = [this.#root]
    for (const level of levels) {
      const child = path.at(-1)?.children?.get(level)
      if (child === undefined) return false
      path.push(child)
    }
    if (path.at(-1)?.values?.delete(key) !== true) return false
    for (let depth = levels.length; depth > 0 && isEmpty(path[depth]!); depth--) {
      path[depth - 1]!.children?.delete(levels[depth - 1]!)
      this.#nodes--
    }
    return true
  }
}

/** A level of the tree. Both maps are made when something goes into them: most nodes have only one of them. */
interface Node<K, V> {
  children: Map<string, Node<K, V>> | undefined
  /** What is stored under the filter that ends here. */
  values: Map<K, V> | undefined
}

const hasWildcard = (filter: string): boolean => filter.includes('+') || filter.includes('#')

const isEmpty = <K, V>({ children, values }: Node<K, V>): boolean =>
  (children === undefined || children.size === 0) && (values === undefined || values.size === 0)

/** Where the level that starts at `start` ends: at the next `/` or at the end of the topic. */
const levelEnd = (topic: string, start: number): number => {
  const slash = topic.indexOf('/', start)
  return slash === -1 ? topic.length : slash
}

const addNode = <K, V>(node: Node<K, V> | undefined, nodes: Node<K, V>[]): void => {
  if (node !== undefined) nodes.push(node)
}

const addValues = <K, V>(values: ReadonlyMap<K, V> | undefined, found: ReadonlyMap<K, V>[]): void => {
  if (values !== undefined && values.size > 0) found.push(values)
}
