import { IdleSessions } from './idle-sessions.ts'
import type { Session } from './session.ts'
import type { SessionContext } from './session-context.ts'

/**
 * The sessions that wait for their clients, and those among them that hold nothing: no subscription, no message, no Packet
 * Identifier and no Will. These end first if there is no room for another session, since their clients lose only the empty
 * session. The same is known for each user. Each operation takes constant time.
 */
export class AwaySessions {
  readonly #all = new Set<Session>()
  readonly #idle = new IdleSessions<Session>()
  readonly #broker: Pick<SessionContext<Session>, 'publishing'>

  constructor(broker: Pick<SessionContext<Session>, 'publishing'>) {
    this.#broker = broker
  }

  get count(): number {
    return this.#all.size
  }

  /** Those that hold nothing. */
  get idleCount(): number {
    return this.#idle.count
  }

  /** The sessions, those that hold nothing again, in their order, for a successor. */
  handOver(): { readonly all: readonly Session[]; readonly idle: readonly Session[] } {
    return { all: [...this.#all], idle: [...this.#idle] }
  }

  /** Those of the predecessor, at a reset. The quotas have them already. */
  takeOver({ all, idle }: { readonly all: readonly Session[]; readonly idle: readonly Session[] }): void {
    for (const session of all) this.#all.add(session)
    for (const session of idle) this.#idle.add(session)
  }

  /** Adds a session whose client has disconnected, or updates it after its Will was published. */
  add(session: Session): void {
    const { quota } = session
    if (!this.#all.has(session)) quota.awaySessions += 1
    this.#all.add(session)
    if (!this.#holdsNothing(session)) return
    this.#idle.add(session)
    quota.idle ??= new IdleSessions()
    quota.idle.add(session)
  }

  /** Removes a session whose client is back, or which has ended. */
  delete(session: Session): void {
    if (!this.#all.delete(session)) return
    session.quota.awaySessions -= 1
    this.#idle.delete(session)
    session.quota.idle?.delete(session)
  }

  /** The session that holds nothing and is away longest. */
  get oldestIdle(): Session | undefined {
    return this.#idle.oldest
  }

  /**
   * Whether a session has no subscription, message, Packet Identifier or Will: its client loses nothing when it ends. A message from
   * the client that is on its way to subscribers may leave a Packet Identifier.
   */
  #holdsNothing({ id, outbox, subscriptions, unreleased, will }: Session): boolean {
    if (this.#broker.publishing.isBusy(id)) return false
    const held = subscriptions.size + unreleased.size + unreleased.refused + outbox.inflight + outbox.waiting
    return will.stored === undefined && held === 0
  }
}
