import { randomUUID } from 'node:crypto'
import type { StoredSession } from '../../src/kinds/store.ts'
import { KeepAlive } from '../../src/mqtt/keep-alive.ts'
import type { Client } from './client.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import { Session } from './session.ts'

/** How exactly the ends of sessions and the delays of Wills are kept, in milliseconds. */
const TICK_MS = 250
/** Two minutes and a bit; what is further away is looked at once in each turn of the wheel. */
const WHEEL_SLOTS = 512

/** All sessions of this broker, by Client Identifier [MQTT-3.1.3-2]. */
export class Sessions {
  readonly #handler: MqttHandler
  readonly #byId = new Map<string, Session>()
  /** Those without a client, until their Session Expiry Interval is over. */
  readonly expiry: KeepAlive<Session>
  /** Those whose Will waits, until its Will Delay Interval is over. */
  readonly willDelay: KeepAlive<Session>

  constructor(handler: MqttHandler) {
    this.#handler = handler
    const nowMs = performance.now()
    this.expiry = new KeepAlive(nowMs, TICK_MS, WHEEL_SLOTS, false)
    this.willDelay = new KeepAlive(nowMs, TICK_MS, WHEEL_SLOTS, false)
  }

  get count(): number {
    return this.#byId.size
  }

  get(id: string): Session | undefined {
    return this.#byId.get(id)
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byId.values()
  }

  /** A Client Identifier that no session has [MQTT-3.2.2-16]. */
  unusedId(): string {
    return `mqtt-jig-${randomUUID()}`
  }

  /** A new session for a client. */
  create(id: string, client: Client): Session {
    const session = new Session(id, client.owner, client.identity, this.#handler)
    this.#byId.set(id, session)
    return session
  }

  /** Takes over what the store holds. */
  restore(all: readonly StoredSession[]): void {
    for (const stored of all) {
      const { id, userName } = stored
      const session = new Session(id, userName, { clientId: id, userName, remote: 'restored' }, this.#handler)
      this.#byId.set(id, session)
      session.restore(stored)
    }
    // Wills that are due now reach all subscribers.
    for (const session of [...this.#byId.values()]) session.awaitClient()
  }

  /** Ends a session: nothing of it is left. */
  end(session: Session): void {
    if (this.#byId.get(session.id) !== session) return
    this.#byId.delete(session.id)
    session.end()
  }
}
