/** The most Packet Identifiers that there are: 1 to 65,535 (section 2.2.1). */
const MAXIMUM_PACKET_IDENTIFIER = 0xffff

/**
 * What was sent and is not acknowledged, by Packet Identifier and in the order it was sent: the in-flight window of one
 * session in one direction. It holds less than 65,535 entries: Receive Maximum, which its owner keeps to, is no more.
 */
export class Inflight<T> {
  readonly #entries = new Map<number, T>()
  #lastIdentifier = 0

  get size(): number {
    return this.#entries.size
  }

  /** Enters something under a Packet Identifier that is not in use [MQTT-2.2.1-4], and returns that. */
  add(entry: T): number {
    do {
      this.#lastIdentifier = this.#lastIdentifier === MAXIMUM_PACKET_IDENTIFIER ? 1 : this.#lastIdentifier + 1
    } while (this.#entries.has(this.#lastIdentifier))
    this.#entries.set(this.#lastIdentifier, entry)
    return this.#lastIdentifier
  }

  /** Enters something under the Packet Identifier that it had before, as the latest. */
  restore(identifier: number, entry: T): void {
    this.#entries.set(identifier, entry)
    this.#lastIdentifier = identifier
  }

  get(identifier: number): T | undefined {
    return this.#entries.get(identifier)
  }

  delete(identifier: number): boolean {
    return this.#entries.delete(identifier)
  }

  /** Makes an entry the latest: what is sent for it next comes after what is sent for the others. */
  moveToEnd(identifier: number): void {
    const entry = this.#entries.get(identifier)
    if (entry === undefined) return
    this.#entries.delete(identifier)
    this.#entries.set(identifier, entry)
  }

  /** The entries in the order they were sent. */
  values(): IterableIterator<T> {
    return this.#entries.values()
  }
}
