/** The session of a bridge at the remote broker: what the bridge remembers of it over its connections. */
export class RemoteSession {
  readonly #maximumAttempts: number
  #number = 1
  /** The message from the remote broker for which the last connection ended, and how many in a row ended so. */
  #unacceptable = ''
  #attempts = 0

  /** @param maximumAttempts after which a message that cannot be taken is dropped; 0: none is. */
  constructor(maximumAttempts: number) {
    this.#maximumAttempts = maximumAttempts
  }

  /** Tells the sessions apart, since each of them begins with the same Packet Identifiers. */
  get number(): number {
    return this.#number
  }

  /** The remote broker has made a new session. */
  renew(): void {
    this.#number += 1
  }

  /**
   * A message came that this broker cannot take. @param message what tells it from others.
   * @returns whether it is dropped. If not, the connection must end, and the remote broker sends it again.
   */
  mustDrop(message: string): boolean {
    if (message !== this.#unacceptable) this.#attempts = 0
    this.#unacceptable = message
    this.#attempts += 1
    return this.#maximumAttempts > 0 && this.#attempts > this.#maximumAttempts
  }
}
