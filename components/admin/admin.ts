import { Change, expectSame } from '../../src/collections/change.ts'
import type { Authenticator } from '../../src/kinds/authenticator.ts'
import type { Broker } from '../../src/kinds/broker.ts'
import type { HttpServer } from '../../src/kinds/http-server.ts'
import type { Listener } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { Tracer } from '../../src/kinds/tracer.ts'
import { AddressRates } from '../../src/network/address-rates.ts'
import type { LifecycleContext } from '../../src/system/define-system.ts'
import type { Api } from './api.ts'
import { createApp } from './app.ts'
import { type AdminConfig, BASE_PATH } from './config.ts'
import { newAdminCounters } from './counters.ts'
import { EventLoopDelay } from './event-loop-delay.ts'
import { EventStreams } from './event-streams.ts'
import { Lists } from './list.ts'
import { logItem } from './log-lines.ts'
import { Overview } from './overview.ts'
import type { Tokens } from './tokens.ts'
import { traceEvent } from './trace-routes.ts'

/** Addresses whose wrong tokens are remembered. */
const MAXIMUM_ADDRESSES = 10_000

/** The interval of the event `overview`, in milliseconds. */
const OVERVIEW_MS = 1_000

export interface AdminParts {
  readonly http: HttpServer
  readonly broker: Broker
  readonly listener: Listener
  readonly logger: Logger
  readonly tracer: Tracer | undefined
  readonly users: Authenticator | undefined
}

/** The admin API while it runs. */
export class Admin {
  readonly counters = newAdminCounters()
  readonly streams: EventStreams
  readonly tokens: Tokens
  readonly #app: Api
  readonly #delay: EventLoopDelay
  readonly #overview: Overview
  readonly #parts: AdminParts
  readonly #lists: Lists
  readonly #failedTokens: AddressRates
  readonly #removeRoute: () => void
  /** Ends what the event streams use. */
  #ends: (() => void)[] = []

  constructor(config: AdminConfig, parts: AdminParts, tokens: Tokens, { name, system }: LifecycleContext) {
    const { http, broker, listener, logger, tracer, users } = parts
    // First, since it fails if the path is served already.
    this.#removeRoute = http.route(BASE_PATH, (request, peer) => this.answer(request, peer))
    this.#parts = parts
    this.#delay = new EventLoopDelay()
    this.tokens = tokens
    this.#overview = new Overview(system, broker.inspector, this.#delay)
    this.streams = new EventStreams(config.maximumStreams, config.maximumStreamBytes, (isUsed) => {
      if (isUsed) this.#beginEvents()
      else this.#endEvents()
    })
    const { streams, counters } = this
    const overview = this.#overview
    this.#lists = new Lists(config.maximumLists)
    this.#failedTokens = new AddressRates(ratesOf(config))
    const lists = this.#lists
    const failedTokens = this.#failedTokens
    this.#app = createApp(
      { broker, listener, logger, tracer, users, system, overview, lists, streams },
      { tokens, failedTokens, counters, log: logger.child({ component: name }) },
    )
  }

  /**
   * Prepares another config, or other contents of the token files. If a token changes, event streams end, as with `refresh`.
   * @throws an Error for other neighbours, or if the tokens cannot be read.
   */
  async adjust(config: AdminConfig, parts: AdminParts): Promise<Change> {
    expectSame(this.#parts, parts, 'http', 'broker', 'listener', 'logger', 'tracer', 'users')
    const tokens = await this.tokens.adjust(config)
    return new Change(
      [
        tokens.step,
        () => this.streams.adjust(config.maximumStreams, config.maximumStreamBytes),
        () => this.#lists.adjust(config.maximumLists),
        () => this.#failedTokens.adjust(ratesOf(config)),
      ],
      {
        done: () => {
          if (tokens.isChanged) this.streams.endAll()
        },
      },
    )
  }

  /** Answers a request. */
  async answer(request: Request, peer: Peer): Promise<Response> {
    return this.#app.fetch(request, { peer })
  }

  /** Reads the tokens again. If one changed, event streams end, since they may have been opened with the old one. */
  async refresh(): Promise<string | undefined> {
    const change = await this.tokens.refresh()
    if (change !== undefined) this.streams.endAll()
    return change
  }

  stop(): void {
    this.#removeRoute()
    this.streams.stop()
    this.#delay.stop()
  }

  #beginEvents(): void {
    const { streams } = this
    const { logger, tracer } = this.#parts
    const timer = setInterval(() => {
      if (streams.wants('overview')) streams.send('overview', JSON.stringify(this.#overview.read()))
      streams.sendComment()
    }, OVERVIEW_MS)
    const endLog = logger.tail?.onLine((line) => {
      if (streams.wants('log')) streams.send('log', JSON.stringify(logItem(line)))
    })
    const endTrace = tracer?.onLine((line, { id }) => {
      if (streams.wants('trace')) streams.send('trace', traceEvent(id, line))
    })
    this.#ends = [() => clearInterval(timer), () => endLog?.(), () => endTrace?.()]
  }

  #endEvents(): void {
    for (const end of this.#ends.splice(0)) end()
  }
}

const ratesOf = ({ failedTokenRate: rate, failedTokenBurst: burst }: AdminConfig) => ({
  rate,
  burst,
  maximumAddresses: MAXIMUM_ADDRESSES,
})
