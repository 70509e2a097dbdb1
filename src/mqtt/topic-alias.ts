/** Topic Aliases (section 3.3.2.3.4): a number for a Topic Name, for as long as the network connection lasts. */

/** Bytes that the Topic Names behind one client's aliases may have together: one of any length fits. */
export const MAXIMUM_ALIAS_BYTES = 65_536

/** What a client's aliases stand for. */
export class IncomingTopicAliases {
  readonly #maximum: number
  readonly #topics = new Map<number, Buffer>()
  #bytes = 0

  /** @param maximum Topic Alias Maximum, as announced in CONNACK; 0 allows none. */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** Whether the client may use this alias [MQTT-3.3.2-9]. */
  allows(alias: number): boolean {
    return alias >= 1 && alias <= this.#maximum
  }

  /**
   * Sets what an allowed alias stands for, or changes it. @param topic copied.
   * @returns false when all of them would be too long, and nothing is changed.
   */
  set(alias: number, topic: Buffer): boolean {
    const bytes = this.#bytes + topic.length - (this.#topics.get(alias)?.length ?? 0)
    if (bytes > MAXIMUM_ALIAS_BYTES) return false
    this.#bytes = bytes
    this.#topics.set(alias, Buffer.from(topic))
    return true
  }

  /** The Topic Name; undefined when the client has not said. */
  get(alias: number): Buffer | undefined {
    return this.#topics.get(alias)
  }
}

/** Topics counted at the same time, for one client: a bound for those that are never sent often enough. */
const MAXIMUM_CANDIDATES = 256
/** Longer topics get no alias: all that are counted for one client would be 16 MB. In characters. */
const MAXIMUM_TOPIC_LENGTH = 1_024

/** The aliases that the broker uses towards one client, for the topics that are sent to it often. */
export class OutgoingTopicAliases {
  readonly #maximum: number
  readonly #after: number
  readonly #aliases = new Map<string, number>()
  /** How often topics without an alias were sent; begun anew when there are too many. */
  readonly #counts = new Map<string, number>()

  /**
   * @param maximum how many there may be: at most the client's Topic Alias Maximum [MQTT-3.3.2-11].
   * @param after the message on a topic that gets an alias, counted from 1.
   */
  constructor(maximum: number, after: number) {
    this.#maximum = maximum
    this.#after = after
  }

  /** The alias that the client knows for this topic; 0 when there is none. */
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
