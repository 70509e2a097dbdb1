import type { TimerWheel, Watch } from '../../src/collections/timer-wheel.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { TurnQueue } from '../../src/kinds/turn-scheduler.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { timerWheel } from '../../src/mqtt/tick.ts'
import type { BrokerMove } from './broker-move.ts'

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
  #broker: Pick<ClientBroker, 'now'>
  readonly #wheel: TimerWheel<ExpiringClient>
  #expired: TurnQueue<ExpiringClient>

  constructor(broker: Pick<ClientBroker, 'now' | 'queue' | 'scheduler'>) {
    this.#broker = broker
    this.#wheel = timerWheel(broker.now(), false)
    this.#expired = queueOf(broker)
  }

  /** Continues with the clock and the work queue of another broker. @param clients all that there are. */
  useBroker(broker: Pick<ClientBroker, 'now' | 'queue' | 'scheduler'>, clients: Iterable<ExpiringClient>): BrokerMove {
    const [before, expired] = [this.#broker, this.#expired]
    this.#broker = broker
    this.#expired = queueOf(broker)
    return {
      undo: () => {
        this.#broker = before
        this.#expired = expired
      },
      move: () => {
        for (const client of clients) if (expired.delete(client)) this.#expired.add(client)
      },
    }
  }

  /** @param expiresAtMs on the clock of the broker, in the future; Infinity is never. */
  watch(client: ExpiringClient, expiresAtMs: number): void {
    if (expiresAtMs === Number.POSITIVE_INFINITY) return
    const nowMs = this.#broker.now()
    // 0 would be no limit. A client that another handler has handed over may have expired already.
    client.expiry = this.#wheel.watch(client, Math.max(1, expiresAtMs - nowMs), nowMs)
  }

  /** When the authentication of the client ends, on the clock of the broker; undefined for never. */
  expiresAtMs({ expiry }: ExpiringClient): number | undefined {
    return expiry && expiry.heardAtMs + expiry.limitMs
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

const queueOf = (broker: Pick<ClientBroker, 'queue' | 'scheduler'>): TurnQueue<ExpiringClient> =>
  broker.queue('expiry of authentications', (client) => {
    broker.scheduler.spend(EXPIRED_CLIENT_UNITS)
    client.disconnect(ReasonCode.MaximumConnectTime, 'its authentication has expired')
    return false
  })
