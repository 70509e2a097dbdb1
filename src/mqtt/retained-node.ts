import { SmallMap } from '../collections/small-map.ts'
import type { Message } from './message.ts'
import { type PackedMessage, packedTopic, unpackMessage } from './packed-message.ts'

/**
 * A node of the tree of retained messages: one or several levels of a Topic Name, its label. Every node but the root has a
 * message or at least two children. Topics below are relative to the root, whose label is empty.
 */
export class RetainedNode {
  /** Levels, with `/` between them. */
  label: string
  /** The number of its topic in the order in which topics got their first message; while it has one. */
  number = 0
  /** The message, or the text of one that is packed. */
  #content: Message | string | undefined = undefined
  /** Of a message that is packed. */
  #shape = 0
  /** By the first levels of their labels. */
  #children: SmallMap<string, RetainedNode> | undefined = undefined

  constructor(label: string) {
    this.label = label
  }

  /** The message whose topic ends here. One that is packed is unpacked for good, in memory of its own: it may stay for long. */
  get message(): Message | undefined {
    const content = this.#content
    if (typeof content !== 'string') return content
    const message = unpackMessage(content, this.#shape).alone()
    this.#content = message
    return message
  }

  set message(message: Message | undefined) {
    this.#content = message
  }

  /** Keeps a message packed until it is asked for. */
  pack({ text, shape }: PackedMessage): void {
    this.#content = text
    this.#shape = shape
  }

  get hasMessage(): boolean {
    return this.#content !== undefined
  }

  /** The topic that ends here. There must be a message. */
  get topic(): string {
    const content = this.#content
    return typeof content === 'string' ? packedTopic(content, this.#shape) : content!.topic
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

  /**
   * The node of a topic. It is made if there is none; the caller then gives it a message.
   * @param near of this root: a topic that begins with its path is looked for from there on, and it moves with each node that is made.
   */
  insert(topic: string, near?: NearNode): RetainedNode {
    const isNear = near !== undefined && topic.startsWith(near.path)
    let node: RetainedNode = isNear ? near.node : this
    for (let start = isNear ? near.path.length : 0; ; ) {
      const level = levelAt(topic, start)
      let child = node.#children?.get(level)
      if (child === undefined) {
        child = new RetainedNode(ownCopy(topic.slice(start)))
        // Most labels are a single level. One string is enough then.
        node.#put(level.length === child.label.length ? child.label : ownCopy(level), child)
        near?.moveTo(node, topic, start)
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

  /**
   * Removes the node of a topic that has lost its message, if the node is not needed, and its parent if that is not needed
   * either.
   */
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
    else if (parent !== this && !parent.hasMessage) grandparent.#join(parentLevel, parent)
  }

  /** The child whose label begins with this level. */
  child(level: string): RetainedNode | undefined {
    return this.#children?.get(level)
  }

  get children(): Iterable<RetainedNode> {
    return this.#children?.values() ?? NONE
  }

  /** The levels directly below a topic, each with the message of the topic that ends there. @param topic undefined for the first levels. */
  *levels(topic: string | undefined): IterableIterator<TreeLevel> {
    const place = topic === undefined ? { node: this, length: this.label.length } : this.#reach(topic)
    if (place === undefined) return
    const { node, length } = place
    // The topic ends within the label: the rest of it is the only way down.
    if (length < node.label.length) yield node.#levelAfter(length + 1)
    else for (const child of node.children) yield child.#levelAfter(0)
  }

  /** Where a topic leads: the node whose label it ends in, and how much of the label that is. */
  #reach(topic: string): { readonly node: RetainedNode; readonly length: number } | undefined {
    let node: RetainedNode = this
    for (let start = 0; ; ) {
      const child = node.#children?.get(levelAt(topic, start))
      if (child === undefined) return undefined
      const length = commonLevels(child.label, topic, start)
      const end = start + length
      if (end === topic.length) return { node: child, length }
      if (length < child.label.length) return undefined
      node = child
      start = end + 1
    }
  }

  /** The level of the label that begins at `start`. */
  #levelAfter(start: number): TreeLevel {
    const end = levelEnd(this.label, start)
    const level = this.label.slice(start, end)
    if (end < this.label.length) return { level, children: 1, message: undefined }
    return { level, children: this.#children?.size ?? 0, message: this.message }
  }

  /**
   * Matches this node's label with a filter from one of its levels on.
   * @returns the level of the filter that comes next, which is the `#` when one was met; `NO_MATCH` otherwise.
   */
  matchLabel(levels: readonly string[], depth: number): number {
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

  /** @param level a string that keeps no other one in memory. */
  #put(level: string, child: RetainedNode): void {
    this.#children ??= new SmallMap()
    this.#children.set(level, child)
  }

  /** Divides the label of a child after its first characters, in a new node above it. @returns the new node. */
  #split(level: string, child: RetainedNode, length: number): RetainedNode {
    const above = new RetainedNode(ownCopy(child.label.slice(0, length)))
    child.label = ownCopy(child.label.slice(length + 1))
    above.#put(ownCopy(levelAt(child.label, 0)), child)
    this.#put(ownCopy(level), above)
    return above
  }

  /** Replaces a child that has no message by its own child, if that is the only one. */
  #join(level: string, child: RetainedNode): void {
    if (child.#children!.size > 1) return
    for (const below of child.#children!.values()) {
      below.label = ownCopy(`${child.label}/${below.label}`)
      this.#put(ownCopy(level), below)
    }
  }
}

/** A node that the next topics may be below: a store gives its topics in their order. */
export class NearNode {
  readonly #root: RetainedNode
  node: RetainedNode
  /** The topic that leads to the node, with the `/` behind it. */
  path = ''

  constructor(root: RetainedNode) {
    this.#root = root
    this.node = root
  }

  /** @param topic of a node below it. @param start where the label of that node begins. */
  moveTo(node: RetainedNode, topic: string, start: number): void {
    if (this.node === node) return
    this.node = node
    this.path = ownCopy(topic.slice(0, start))
  }

  /** A node leaves the tree. */
  reset(): void {
    this.node = this.#root
    this.path = ''
  }
}

/** A level of the tree. */
export interface TreeLevel {
  /** May be empty. */
  readonly level: string
  /** How many levels are directly below it. */
  readonly children: number
  /** The message of the topic that ends here, expired or not. */
  readonly message: Message | undefined
}

export const NO_MATCH = -1
const SLASH = 0x2f
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

/** A new string: a slice would keep the whole topic that it was cut from in memory. */
const ownCopy = (slice: string): string => (slice.length < SHORTEST_SLICE ? slice : Buffer.from(slice).toString())

/** V8 copies strings that are shorter than this. */
const SHORTEST_SLICE = 13
