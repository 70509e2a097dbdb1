import type { MqttHandler } from './mqtt-handler.ts'
import type { Payer } from './publishing.ts'
import type { Session } from './session.ts'
import { TurnQueue } from './turn-queue.ts'

/**
 * The Wills that are due: the connection was lost and the Will Delay Interval is over, or the session has ended
 * [MQTT-3.1.2-8]. Thousands of connections may be lost at once, so the Wills are published over turns of the event loop, in the
 * order in which they came due. A single Will is published at once.
 *
 * A Will that is due stays with its session, and counts in `Totals.willBytes`, until it is published. It stays in the store as
 * well if the session is there. `publishFor` keeps the order of one client: its Will is published before the client is answered
 * when it connects again.
 */
export class DueWills {
  readonly #queue: TurnQueue<Session>
  /** By Client Identifier: one session for each at most, since `publishFor` is called before there is another. */
  readonly #byId = new Map<string, Session>()

  constructor({ scheduler, log }: Pick<MqttHandler, 'scheduler' | 'log'>) {
    this.#queue = new TurnQueue('will', scheduler, log, (session) => {
      this.#byId.delete(session.id)
      session.publishWill(scheduler.payer)
      return false
    })
  }

  /** Wills that wait to be published. */
  get count(): number {
    return this.#queue.size
  }

  /** The Will of this session is due. */
  add(session: Session): void {
    this.#byId.set(session.id, session)
    this.#queue.add(session)
  }

  /** Publishes the Will of the client with this identifier now, if it is due. @param payer is charged for the work. */
  publishFor(clientId: string, payer: Payer): void {
    const session = this.#byId.get(clientId)
    if (session === undefined) return
    this.#byId.delete(clientId)
    this.#queue.delete(session)
    session.publishWill(payer)
  }

  /** Publishes all of them now. */
  drain(): void {
    this.#queue.drain()
  }
}
