import type { Connection } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { HandlerStage, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { Router } from '../../src/kinds/router.ts'
import { KeepAlive } from '../../src/mqtt/keep-alive.ts'
import { Client } from './client.ts'
import type { HandlerConfig } from './config.ts'

/** How exactly silence is noticed, in milliseconds: at most two of these after the time allowed. */
const tickMs = 250

/** Two minutes and a bit: longer waits, which are rare, are looked at once in each turn of the wheel. */
const wheelSlots = 512

/** What all clients share: who they are, the router, and the one timer that watches them. */
export class MqttHandler implements HandlerStage {
  readonly role = 'handler'
  readonly config: HandlerConfig
  readonly router: Router
  readonly log: Logger
  /** Whom the CONNECT packet made known, by Client Identifier. */
  readonly clients = new Map<string, Client>()
  readonly keepAlive = new KeepAlive<Client>(performance.now(), tickMs, wheelSlots)
  /** Messages at QoS 0 that were not delivered because a subscriber took too long to read. */
  dropped = 0
  readonly #timer: NodeJS.Timeout

  constructor(config: HandlerConfig, router: Router, log: Logger) {
    this.config = config
    this.router = router
    this.log = log
    this.#timer = setInterval(() => this.#expire(), tickMs)
  }

  open(connection: Connection, next: PacketReceiver): PacketReceiver {
    return new Client(connection, next, this)
  }

  /** Ends the timer. The connections are the server's, which has closed them before. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #expire(): void {
    for (const client of this.keepAlive.advance(performance.now())) client.expire()
  }
}
