import type { Session } from './session.ts'

/**
 * The sessions that wait for their clients, and those among them that hold nothing: no subscription, no message, no Packet
 * Identifier and no Will. Their clients lose nothing but the session itself, so these end first where there is no room for
 * another session. Each operation costs the same, however many there are.
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

  /** The client of this session has gone, or its Will was published since. */
  add(session: Session): void {
    this.#all.add(session)
    if (session.holdsNothing) this.#idle.add(session)
  }

  /** Its client is back, or it has ended. */
  delete(session: Session): void {
    this.#all.delete(session)
    this.#idle.delete(session)
    if (this.#oldest === session) this.#oldest = undefined
  }

  /** Of those that hold nothing, the one that is away longest. */
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
