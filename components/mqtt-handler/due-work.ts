import type { Client } from './client.ts'
import { DueWills } from './due-wills.ts'
import { EndedSessions } from './ended-sessions.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import type { Retained } from './retained.ts'
import type { Session } from './session.ts'
import { TurnQueue } from './turn-queue.ts'

// Units of work, measured.
const SILENT_CLIENT_UNITS = 150

/**
 * The work that falls due for clients and sessions, such as Wills and expiries. It may fall due for thousands at once. Each kind
 * of work is done in its order, over turns of the event loop. Work that is due for a single client is done at once.
 */
export class DueWork {
  readonly wills: DueWills
  readonly endedSessions: EndedSessions
  /** Clients that were silent for too long, or did not send CONNECT in time. */
  readonly silentClients: TurnQueue<Client>
  /** Sessions whose Session Expiry Interval is over. */
  readonly expiredSessions: TurnQueue<Session>
  /** The search for retained messages that have expired. */
  readonly sweep: TurnQueue<Retained>

  constructor(handler: MqttHandler) {
    const { scheduler, log } = handler
    this.wills = new DueWills(handler)
    this.endedSessions = new EndedSessions(handler)
    this.silentClients = new TurnQueue('keep alive', scheduler, log, (client) => {
      scheduler.spend(SILENT_CLIENT_UNITS)
      client.expire()
      return false
    })
    this.expiredSessions = new TurnQueue('session expiry', scheduler, log, (session) => {
      handler.sessions.end(session, scheduler.payer) // [MQTT-4.1.0-2]
      return false
    })
    this.sweep = new TurnQueue('retained messages', scheduler, log, (retained) =>
      retained.sweep(handler.now(), scheduler.payer),
    )
  }

  /** Does now what must not be lost when the broker stops. */
  drain(): void {
    this.wills.drain()
    this.endedSessions.drain()
  }
}
