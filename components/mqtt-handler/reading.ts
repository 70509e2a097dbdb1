import type { Connection } from '../../src/kinds/connection.ts'

/** Why nothing is read from a client for a while, one bit for each reason. */
export const Pause = {
  /** CONNACK waits for the store. */
  Connack: 1,
  /** The authentication method has not answered. */
  Authentication: 2,
  /** Too many answers wait for the store. */
  Answers: 4,
  /** Its last message is still on its way to subscribers. */
  Publication: 8,
  /** A SUBSCRIBE or UNSUBSCRIBE packet of many Topic Filters is handled over turns. */
  Filters: 16,
  /** Another process may have to give its session up. */
  Claim: 32,
} as const
export type Pause = (typeof Pause)[keyof typeof Pause]

/** Is told when the connection is read again. */
export interface ReadingListener {
  heard(): void
}

/** Whether a connection is read: as long as no reason speaks against it. */
export class Reading {
  readonly #connection: Connection
  readonly #listener: ReadingListener
  #reasons = 0

  constructor(connection: Connection, listener: ReadingListener) {
    this.#connection = connection
    this.#listener = listener
  }

  pause(reason: Pause): void {
    if (this.#reasons === 0) this.#connection.pause()
    this.#reasons |= reason
  }

  /** The reason is gone; no harm if it was not there. */
  resume(reason: Pause): void {
    if ((this.#reasons & reason) === 0) return
    this.#reasons &= ~reason
    if (this.#reasons !== 0) return
    // What it sent meanwhile is not read yet: its silence begins now.
    this.#listener.heard()
    this.#connection.resume()
  }
}
