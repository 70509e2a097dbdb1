import type { TimerWheel, Watch } from '../../src/collections/timer-wheel.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { TurnQueue } from '../../src/kinds/turn-scheduler.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { timerWheel } from '../../src/mqtt/tick.ts'

/** The work of ending a client whose authentication has expired, in units. */
const EXPIRED_CLIENT_UNITS = 150

/** What is ended when its authentication expires. */
export interface ExpiringClient {
  /** Its place among those that expire; undefined if its authentication does not. Only `AuthenticationExpiry` writes it. */
  expiry: Watch<ExpiringClient> | undefined
  disconnect(reasonCode: ReasonCode, why: string): void
}

/**
 * Ends connections when the authentication of their clients expires. One timer watches all of them, by the clock of the broker. Many
 * may expire at once: they are disconnected over several turns.
 */
export class AuthenticationExpiry {
  readonly #broker: Pick<ClientBroker, 'now'>
  readonly #wheel: TimerWheel<ExpiringClient>
  readonly #expired: TurnQueue<ExpiringClient>

  constructor(broker: Pick<ClientBroker, 'now' | 'queue' | 'scheduler'>) {
    this.#broker = broker
    this.#wheel = timerWheel(broker.now(), false)
    this.#expired = broker.queue('expiry of authentications', (client) => {
      broker.scheduler.spend(EXPIRED_CLIENT_UNITS)
      client.disconnect(ReasonCode.MaximumConnectTime, 'its authentication has expired')
      return false
    })
  }

  /** @param expiresAtMs on the clock of the broker, in the future; Infinity is never. */
  watch(client: ExpiringClient, expiresAtMs: number): void {
    if (expiresAtMs === Number.POSITIVE_INFINITY) return
    const nowMs = this.#broker.now()
    client.expiry = this.#wheel.watch(client, expiresAtMs - nowMs, nowMs)
  }

  /** The client has gone. */
  forget(client: ExpiringClient): void {
    if (client.expiry === undefined) return
    this.#wheel.cancel(client.expiry)
    this.#expired.delete(client)
  }

  /** To be called in each tick. */
  advance(): void {
    for (const client of this.#wheel.advance(this.#broker.now())) this.#expired.add(client)
  }
}
