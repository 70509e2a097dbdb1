import type { Session } from './session.ts'

/**
 * The sessions that wait for their clients, and those among them that hold nothing: no subscription, no message, no Packet
 * Identifier and no Will. These end first if there is no room for another session, since their clients lose only the empty
 * session. Each operation takes constant time.
 */
export class AwaySessions {
  readonly #all = new Set<Session>()
  /** Those that hold nothing, the longest away first. */
  readonly #idle = new Set<Session>()
  /** The first of them, and the search for the next: from the beginning it would pass the place of each that was removed. */
  #oldest: Session | undefined
  #search: Iterator<Session> | undefined

  get count(): number {
    return this.#all.size
  }

  /** Those that hold nothing. */
  get idleCount(): number {
    return this.#idle.size
  }

  /** Adds a session whose client has disconnected, or updates it after its Will was published. */
  add(session: Session): void {
    this.#all.add(session)
    if (session.holdsNothing) this.#idle.add(session)
  }

  /** Removes a session whose client is back, or which has ended. */
  delete(session: Session): void {
    this.#all.delete(session)
    this.#idle.delete(session)
    if (this.#oldest === session) this.#oldest = undefined
  }

  /** The session that holds nothing and is away longest. */
  get oldestIdle(): Session | undefined {
    while (this.#oldest === undefined && this.#idle.size > 0) {
      this.#search ??= this.#idle.values()
      const next = this.#search.next()
      if (next.done === true) this.#search = undefined
      else this.#oldest = next.value
    }
    return this.#oldest
  }
}
