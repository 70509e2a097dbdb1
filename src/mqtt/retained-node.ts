import type { Message } from './message.ts'
import { SmallMap } from './small-map.ts'

/**
 * A node of the tree of retained messages: one or several levels of a Topic Name, its label. Every node but the root has a
 * message or at least two children. What is said of topics and filters below holds for the root, which stands for nothing.
 */
export class RetainedNode {
  /** Levels, with `/` between them. */
  label: string
  /** The message whose topic ends here. */
  message: Message | undefined = undefined
  /** The number of its topic in the order in which topics got their first message; while it has one. */
  number = 0
  /** By the first levels of their labels. */
  #children: SmallMap<string, RetainedNode> | undefined = undefined

  constructor(label: string) {
    this.label = label
  }

  /** The node of a topic. */
  find(topic: string): RetainedNode | undefined {
    let node: RetainedNode = this
    for (let start = 0; ; ) {
      const child = node.#children?.get(levelAt(topic, start))
      if (child === undefined || !topic.startsWith(child.label, start)) return undefined
      const end = start + child.label.length
      if (end === topic.length) return child
      if (topic.charCodeAt(end) !== SLASH) return undefined
      node = child
      start = end + 1
    }
  }

  /** The node of a topic, made if there is none: then it needs a message. */
  insert(topic: string): RetainedNode {
    let node: RetainedNode = this
    for (let start = 0; ; ) {
      const level = levelAt(topic, start)
      let child = node.#children?.get(level)
      if (child === undefined) {
        child = new RetainedNode(ownCopy(topic.slice(start)))
        node.#put(level, child)
        return child
      }
      const common = commonLevels(child.label, topic, start)
      if (common < child.label.length) child = node.#split(level, child, common)
      const end = start + common
      if (end === topic.length) return child
      node = child
      start = end + 1
    }
  }

  /** Takes out the node of a topic, which has lost its message, if it is not needed, and its parent if it is not either. */
  prune(topic: string): void {
    let grandparent: RetainedNode = this
    let parent: RetainedNode = this
    let parentLevel = ''
    let node: RetainedNode = this
    let level = ''
    for (let start = 0; start <= topic.length; start += node.label.length + 1) {
      grandparent = parent
      parent = node
      parentLevel = level
      level = levelAt(topic, start)
      node = parent.#children!.get(level)!
    }
    if (node.#children !== undefined) {
      parent.#join(level, node)
      return
    }
    parent.#children!.delete(level)
    if (parent.#children!.size === 0) parent.#children = undefined
    else if (parent !== this && parent.message === undefined) grandparent.#join(parentLevel, parent)
  }

  /**
   * Calls back with every message whose topic matches a filter, by the rules of section 4.7, until that says false.
   * @returns how many nodes it had to look at.
   */
  match(filter: string, onMessage: (message: Message) => boolean): number {
    const levels = filter.split('/')
    let visited = 0
    let goesOn = true
    const take = (message: Message): boolean => {
      goesOn = onMessage(message)
      return goesOn
    }
    /** Nodes whose levels, from the root on, match the filter up to the level at the same place in `depths`. */
    const nodes: RetainedNode[] = [this]
    const depths = [0]
    const visit = (child: RetainedNode, depth: number): void => {
      visited += 1
      const next = child.#matchLabel(levels, depth)
      if (next === NO_MATCH) return
      nodes.push(child)
      depths.push(next)
    }
    while (goesOn && nodes.length > 0) {
      const node = nodes.pop()!
      const depth = depths.pop()!
      const level = levels[depth]
      if (level === undefined) {
        if (node.message !== undefined) take(node.message)
      } else if (level === '#' && node !== this) {
        // All below, and the node itself: `a/#` matches `a` (section 4.7.1.2).
        visited += node.#collect(take) - 1
      } else if (level === '+' || level === '#') {
        for (const child of node.#children?.values() ?? NONE) {
          // A wildcard at the first level does not match a topic that begins with `$` [MQTT-4.7.2-1].
          if (node !== this || child.label.charCodeAt(0) !== DOLLAR) visit(child, depth)
        }
      } else {
        const child = node.#children?.get(level)
        if (child !== undefined) visit(child, depth)
      }
    }
    return visited
  }

  /** Calls back with the messages of this node and of all below, until that says false. @returns how many nodes it saw. */
  #collect(onMessage: (message: Message) => boolean): number {
    let visited = 0
    const nodes: RetainedNode[] = [this]
    while (nodes.length > 0) {
      const node = nodes.pop()!
      visited += 1
      if (node.message !== undefined && !onMessage(node.message)) break
      for (const child of node.#children?.values() ?? NONE) nodes.push(child)
    }
    return visited
  }

  /**
   * Matches this node's label with a filter from one of its levels on.
   * @returns the level of the filter that comes next, which is the `#` when one was met; `NO_MATCH` otherwise.
   */
  #matchLabel(levels: readonly string[], depth: number): number {
    for (let start = 0, next = depth; ; next += 1) {
      const level = levels[next]
      if (level === undefined) return NO_MATCH
      if (level === '#') return next
      const end = levelEnd(this.label, start)
      if (level !== '+' && !(end - start === level.length && this.label.startsWith(level, start))) return NO_MATCH
      if (end === this.label.length) return next + 1
      start = end + 1
    }
  }

  #put(level: string, child: RetainedNode): void {
    this.#children ??= new SmallMap()
    this.#children.set(ownCopy(level), child)
  }

  /** Divides the label of a child after its first characters, in a new node above it. @returns the new node. */
  #split(level: string, child: RetainedNode, length: number): RetainedNode {
    const above = new RetainedNode(ownCopy(child.label.slice(0, length)))
    child.label = ownCopy(child.label.slice(length + 1))
    above.#put(levelAt(child.label, 0), child)
    this.#put(level, above)
    return above
  }

  /** Replaces a child that has no message by its own child, if that is the only one. */
  #join(level: string, child: RetainedNode): void {
    if (child.#children!.size > 1) return
    for (const below of child.#children!.values()) {
      below.label = ownCopy(`${child.label}/${below.label}`)
      this.#put(level, below)
    }
  }
}

const NO_MATCH = -1
const SLASH = 0x2f
const DOLLAR = 0x24
const NONE: readonly never[] = []

/** Where the level that begins at `start` ends. */
const levelEnd = (text: string, start: number): number => {
  const slash = text.indexOf('/', start)
  return slash === -1 ? text.length : slash
}

const levelAt = (text: string, start: number): string => text.slice(start, levelEnd(text, start))

/** How many characters of a label are whole levels that the topic has from `start` on; the first level is one of them. */
const commonLevels = (label: string, topic: string, start: number): number => {
  for (let index = 0, common = 0; ; index += 1) {
    // The end of either ends a level, as a slash does.
    const ofLabel = index < label.length ? label.charCodeAt(index) : SLASH
    const ofTopic = start + index < topic.length ? topic.charCodeAt(start + index) : SLASH
    if (ofLabel !== ofTopic) return common
    if (ofLabel === SLASH) common = index
    if (index === label.length || start + index === topic.length) return common
  }
}

/** A string of its own: a slice would keep the whole topic in memory that it was cut from, however long that is. */
const ownCopy = (slice: string): string => (slice.length < SHORTEST_SLICE ? slice : Buffer.from(slice).toString())

/** V8 copies what is shorter than this many characters. */
const SHORTEST_SLICE = 13
