import type { QoS } from 'mqtt-packet'
import { checkTopicFilter, isSharedFilter } from '../../src/mqtt/topic-filter.ts'
import { classifyUtf8, Utf8 } from '../../src/mqtt/utf8.ts'

/** A line of the config: which topics are carried, and what they are called on each side. */
export interface BridgeTopic {
  /** Without the prefixes; may be empty. */
  readonly filter: string
  readonly direction: 'out' | 'in' | 'both'
  readonly qos: QoS
  readonly localPrefix: string
  readonly remotePrefix: string
}

/** A Topic Filter to subscribe to. */
export interface MappedFilter {
  readonly filter: string
  readonly qos: QoS
}

/** Topics whose names on the other side are remembered, in each direction. */
const MAXIMUM_REMEMBERED = 1_000

/**
 * The topics of a bridge on both sides. A topic begins with the local prefix at this broker, and with the remote prefix at the
 * other one. If several lines fit a topic, the first decides.
 */
export class TopicMap {
  readonly #out: Direction
  readonly #in: Direction

  constructor(topics: readonly BridgeTopic[]) {
    this.#out = new Direction(
      topics
        .filter(({ direction }) => direction !== 'in')
        .map(({ filter, qos, localPrefix: from, remotePrefix: to }) => ({ filter, qos, from, to })),
    )
    this.#in = new Direction(
      topics
        .filter(({ direction }) => direction !== 'out')
        .map(({ filter, qos, localPrefix: to, remotePrefix: from }) => ({ filter, qos, from, to })),
    )
  }

  /** What the bridge subscribes to at this broker, each filter once. */
  get localFilters(): readonly MappedFilter[] {
    return this.#out.filters
  }

  /** What it subscribes to at the remote broker. */
  get remoteFilters(): readonly MappedFilter[] {
    return this.#in.filters
  }

  /** The topic at the remote broker of a topic of this one; undefined if it is not carried. */
  toRemote(topic: string): string | undefined {
    return this.#out.map(topic)
  }

  /** The topic at this broker of a topic of the remote one; undefined if it is not carried. */
  toLocal(topic: string): string | undefined {
    return this.#in.map(topic)
  }

  /** Whether a message could come back: some topic goes in both directions. */
  get isTwoWay(): boolean {
    return this.localFilters.length > 0 && this.remoteFilters.length > 0
  }
}

interface Line {
  readonly filter: string
  readonly qos: QoS
  readonly from: string
  readonly to: string
}

/** One direction. */
class Direction {
  readonly filters: readonly MappedFilter[]
  readonly #lines: readonly (Line & { readonly levels: readonly string[] })[]
  /** The last topics mapped, with an empty text for those that are not carried. */
  readonly #remembered = new Map<string, string>()

  constructor(lines: readonly Line[]) {
    this.#lines = lines.map((line) => ({ ...line, levels: (line.from + line.filter).split('/') }))
    const byFilter = new Map<string, QoS>()
    for (const { from, filter, qos } of lines) {
      byFilter.set(from + filter, Math.max(byFilter.get(from + filter) ?? 0, qos) as QoS)
    }
    this.filters = [...byFilter].map(([filter, qos]) => ({ filter, qos }))
  }

  map(topic: string): string | undefined {
    let mapped = this.#remembered.get(topic)
    if (mapped === undefined) {
      mapped = this.#find(topic)
      if (this.#remembered.size >= MAXIMUM_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(topic, mapped)
    }
    return mapped === '' ? undefined : mapped
  }

  #find(topic: string): string {
    const levels = topic.split('/')
    const line = this.#lines.find((each) => matches(each.levels, levels))
    if (line === undefined) return ''
    // `a/#` matches `a` as well, which is shorter than the prefix `a/`: such a topic has no name on the other side.
    if (topic.length < line.from.length) return ''
    return line.to + topic.slice(line.from.length)
  }
}

/** Whether a Topic Filter matches a Topic Name (section 4.7), both as their levels. */
const matches = (filter: readonly string[], topic: readonly string[]): boolean => {
  // [MQTT-4.7.2-1]
  if (topic[0]!.startsWith('$') && (filter[0] === '#' || filter[0] === '+')) return false
  for (const [index, level] of filter.entries()) {
    if (level === '#') return true
    if (index >= topic.length || (level !== '+' && level !== topic[index])) return false
  }
  return filter.length === topic.length
}

interface TopicProblem {
  readonly path: 'filter' | 'localPrefix' | 'remotePrefix'
  readonly message: string
}

/** What is wrong with a line of the config, and which value it is; undefined if it is right. */
export const problemOfTopic = (topic: BridgeTopic): TopicProblem | undefined => {
  const { filter, direction, localPrefix, remotePrefix } = topic
  for (const [path, prefix] of [
    ['localPrefix', localPrefix],
    ['remotePrefix', remotePrefix],
  ] as const) {
    if (/[+#]/.test(prefix)) return { path, message: 'a prefix has no wildcards' }
    if (prefix.startsWith('$share/')) return { path, message: 'a bridge makes no Shared Subscriptions' }
    const bytes = Buffer.from(prefix + filter)
    if (bytes.length === 0)
      return { path: 'filter', message: 'empty: then localPrefix and remotePrefix must be a topic each' }
    if (bytes.length > 65_535) return { path, message: 'together with the filter it has more than 65,535 bytes' }
    const error = checkTopicFilter(bytes)
    if (error !== undefined)
      return { path: 'filter', message: `'${prefix}${filter}' is not a Topic Filter: ${error.message}` }
    if (isSharedFilter(bytes)) return { path: 'filter', message: 'a bridge makes no Shared Subscriptions' }
    const form = classifyUtf8(bytes, 0, bytes.length)
    if (form === Utf8.IllFormed || form === Utf8.NullCharacter)
      return { path, message: 'it holds a character that no topic may hold' }
  }
  if (direction === 'out') return undefined
  if ((localPrefix + filter).startsWith('$')) {
    return {
      path: localPrefix === '' ? 'filter' : 'localPrefix',
      message: 'topics that begin with $ belong to this broker: nothing can be taken in there',
    }
  }
  return undefined
}
