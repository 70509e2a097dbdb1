import type { Connection } from '../../src/kinds/connection.ts'

/** Why nothing is read from a client for a while, one bit for each reason. */
export const Pause = {
  /** CONNACK waits for the store. */
  Connack: 1,
  /** An authentication method has not answered, or another process may own the session and must release it first. */
  Answer: 2,
  /** Too many answers wait for the store. */
  Answers: 4,
  /** Its last message is still being delivered. */
  Publication: 8,
  /** A SUBSCRIBE or UNSUBSCRIBE packet of many Topic Filters is handled over turns. */
  Filters: 16,
  /** An authenticator has not answered. */
  Credentials: 32,
  /** It published more than `maximumPublishRate` and the like allow. */
  Rate: 64,
} as const
export type Pause = (typeof Pause)[keyof typeof Pause]

/** Is told when the connection is read again. */
export interface ReadingListener {
  /** False once another object is in the place of the client. The connection belongs to that one then. */
  readonly isCurrent: boolean
  heard(): void
}

/** Pauses a connection while there is a reason not to read it. */
export class Reading {
  readonly #connection: Connection
  readonly #listener: ReadingListener
  #reasons: number

  /** @param reasons for which the connection is paused already: those of the client that it continues. */
  constructor(connection: Connection, listener: ReadingListener, reasons = 0) {
    this.#connection = connection
    this.#listener = listener
    this.#reasons = reasons
  }

  /** Why the connection is not read. */
  handOver(): number {
    return this.#reasons
  }

  /** Whether there is a reason not to read it, other than this one. */
  pausedExcept(reason: Pause): boolean {
    return (this.#reasons & ~reason) !== 0
  }

  pause(reason: Pause): void {
    if (this.#reasons === 0) this.#connection.pause()
    this.#reasons |= reason
  }

  /** Removes a reason. No effect if it was not set. */
  resume(reason: Pause): void {
    if ((this.#reasons & reason) === 0 || !this.#listener.isCurrent) return
    this.#reasons &= ~reason
    if (this.#reasons !== 0) return
    // Packets that were sent meanwhile are not read yet, so the silence is counted from now.
    this.#listener.heard()
    this.#connection.resume()
  }
}
