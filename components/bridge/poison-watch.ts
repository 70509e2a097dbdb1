/** A message for which the remote broker ended connection after connection. */
export interface PoisonMessage {
  readonly packetIdentifier: number
  /** Its topic at this broker. */
  readonly topic: string
  /** Of its packet, in bytes. */
  readonly size: number
}

/**
 * Finds a message for which the remote broker ends each connection: it is larger than the remote broker takes without saying so, or its
 * topic is rejected in this way. The session sends it again over each connection, and everything behind it waits.
 *
 * The end of a connection does not tell which of the messages in flight was its cause. So the next connection sends each of them alone,
 * until all are acknowledged. An attempt counts only if nothing else was on the way.
 */
export class PoisonWatch {
  readonly #maximumAttempts: number
  /** Packet Identifiers of messages that the present connection has sent, and that were not acknowledged. */
  readonly #unanswered = new Set<number>()
  /** Those of earlier connections. They are sent one after the other. */
  readonly #suspects = new Set<number>()
  /** The PUBLISH packet that was sent last. 0 if it has no acknowledgement. */
  #last = 0
  #lastTopic = ''
  #lastSize = 0
  /** The message that was alone on the way when the last connection ended, and how many connections in a row ended so. */
  #attempted = 0
  #attempts = 0

  /** @param maximumAttempts after which a message is dropped; 0: none is. */
  constructor(maximumAttempts: number) {
    this.#maximumAttempts = maximumAttempts
  }

  /** False while the message on the way must stay alone. */
  get mayPublish(): boolean {
    return this.#suspects.size === 0 || this.#unanswered.size === 0
  }

  /** A PUBLISH packet was sent. @param packetIdentifier 0 if the remote broker does not acknowledge it. */
  sent(packetIdentifier: number, isAgain: boolean, topic: string, size: number): void {
    if (this.#maximumAttempts === 0) return
    this.#last = packetIdentifier
    if (packetIdentifier === 0) return
    // Messages that were sent before are sent first, so those that are still suspected are in the session no more.
    if (!isAgain) this.#suspects.clear()
    this.#lastTopic = topic
    this.#lastSize = size
    this.#unanswered.add(packetIdentifier)
  }

  /** PUBACK or PUBREC came. */
  answered(packetIdentifier: number): void {
    this.#unanswered.delete(packetIdentifier)
    this.#suspects.delete(packetIdentifier)
    if (packetIdentifier === this.#attempted) this.#attempts = 0
  }

  /**
   * The connection has ended.
   * @param byRemote whether the remote broker ended it, and gave no other reason than a message.
   * @returns the message that has to be dropped.
   */
  ended(byRemote: boolean): PoisonMessage | undefined {
    const packetIdentifier = this.#last
    const isAlone = this.#unanswered.size === 1 && this.#unanswered.has(packetIdentifier)
    if (byRemote) for (const unanswered of this.#unanswered) this.#suspects.add(unanswered)
    this.#unanswered.clear()
    this.#last = 0
    if (!byRemote || !isAlone) return undefined
    if (this.#attempted !== packetIdentifier) this.#attempts = 0
    this.#attempted = packetIdentifier
    this.#attempts += 1
    if (this.#attempts < this.#maximumAttempts) return undefined
    this.#attempts = 0
    this.#suspects.delete(packetIdentifier)
    return { packetIdentifier, topic: this.#lastTopic, size: this.#lastSize }
  }
}
