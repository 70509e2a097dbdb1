/** Topic Aliases (section 3.3.2.3.4): a number for a Topic Name, for as long as the network connection lasts. */

/** The maximum size of all Topic Names behind the aliases of one client, in bytes. A Topic Name of any length fits. */
export const MAXIMUM_ALIAS_BYTES = 65_536

/** The aliases of a client, for the object that continues with them. The map is passed by reference. */
export interface IncomingAliasesRecord {
  readonly maximum: number
  readonly topics: Map<number, Buffer>
  readonly bytes: number
}

/** The Topic Names behind the aliases of a client. */
export class IncomingTopicAliases {
  readonly #maximum: number
  readonly #topics: Map<number, Buffer>
  #bytes: number

  /** @param maximum Topic Alias Maximum, as announced in CONNACK; 0 allows none. @param continued the aliases so far. */
  constructor(maximum: number, continued?: IncomingAliasesRecord) {
    this.#maximum = maximum
    this.#topics = continued?.topics ?? new Map()
    this.#bytes = continued?.bytes ?? 0
  }

  handOver(): IncomingAliasesRecord {
    return { maximum: this.#maximum, topics: this.#topics, bytes: this.#bytes }
  }

  /** Whether the client may use this alias [MQTT-3.3.2-9]. */
  allows(alias: number): boolean {
    return alias >= 1 && alias <= this.#maximum
  }

  /**
   * Sets or changes the Topic Name of an allowed alias.
   * @param topic copied.
   * @returns false if all Topic Names together would be too long. Nothing has changed then.
   */
  set(alias: number, topic: Buffer): boolean {
    const bytes = this.#bytes + topic.length - (this.#topics.get(alias)?.length ?? 0)
    if (bytes > MAXIMUM_ALIAS_BYTES) return false
    this.#bytes = bytes
    this.#topics.set(alias, Buffer.from(topic))
    return true
  }

  /** The Topic Name of an alias; undefined if the client has not set it. */
  get(alias: number): Buffer | undefined {
    return this.#topics.get(alias)
  }
}

/** The maximum number of topics that are counted at the same time for one client. */
const MAXIMUM_CANDIDATES = 256
/** Longer topics get no alias. In characters. Otherwise the counted topics of one client could take 16 MB. */
const MAXIMUM_TOPIC_LENGTH = 1_024

/** The aliases towards one client, for the object that continues with them. The maps are passed by reference. */
export interface OutgoingAliasesRecord {
  readonly maximum: number
  readonly after: number
  readonly aliases: Map<string, number>
  readonly counts: Map<string, number>
}

/** The aliases that the broker uses in packets to one client, for topics that it often sends. */
export class OutgoingTopicAliases {
  readonly #maximum: number
  readonly #after: number
  readonly #aliases: Map<string, number>
  /** How often topics without an alias were sent. Reset when there are too many topics. */
  readonly #counts: Map<string, number>

  /**
   * @param maximum the maximum number of aliases: at most the client's Topic Alias Maximum [MQTT-3.3.2-11].
   * @param after the message on a topic that gets an alias, counted from 1. @param continued the aliases so far.
   */
  constructor(maximum: number, after: number, continued?: OutgoingAliasesRecord) {
    this.#maximum = maximum
    this.#after = after
    this.#aliases = continued?.aliases ?? new Map()
    this.#counts = continued?.counts ?? new Map()
  }

  handOver(): OutgoingAliasesRecord {
    return { maximum: this.#maximum, after: this.#after, aliases: this.#aliases, counts: this.#counts }
  }

  /** The alias of this topic that the client knows; 0 if there is none. */
  get(topic: string): number {
    return this.#aliases.get(topic) ?? 0
  }

  /** Counts a message on a topic without an alias. @returns the alias that it should introduce, or 0. */
  propose(topic: string): number {
    if (this.#aliases.size >= this.#maximum || topic.length > MAXIMUM_TOPIC_LENGTH) return 0
    const count = (this.#counts.get(topic) ?? 0) + 1
    if (count >= this.#after) return this.#aliases.size + 1
    if (this.#counts.size >= MAXIMUM_CANDIDATES) this.#counts.clear()
    this.#counts.set(topic, count)
    return 0
  }

  /** The message that introduces a proposed alias was sent: the client knows it from now on. */
  introduced(topic: string, alias: number): void {
    this.#aliases.set(topic, alias)
    this.#counts.delete(topic)
  }
}
