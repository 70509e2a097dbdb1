import type { Logger } from '../../src/kinds/logger.ts'
import { requireUniqueNames } from './authenticators.ts'
import type { BrokerMove } from './broker-move.ts'
import type { HandlerConfig } from './config.ts'
import { byName, type MqttHandler, type Parts, silentClientsOf } from './mqtt-handler.ts'
import { Phase } from './phase.ts'
import { successorOf } from './successor-of.ts'

/**
 * A change of the config or of the neighbours of a handler, whose clients stay. Limits and deadlines hold at once. What was negotiated
 * with a client stays with it: its terms, its Keep Alive, the Topic Aliases that it may get.
 * @param parts with the logger of the handler itself. @throws when two authenticators or two methods have the same name.
 */
export const adjustHandler = (handler: MqttHandler, config: HandlerConfig, parts: Parts): HandlerAdjustment => {
  requireUniqueNames(parts.authenticators ?? [])
  return new HandlerAdjustment(handler, config, parts, byName(parts.authenticationMethods ?? []))
}

/** As `Component.adjust` returns it. */
class HandlerAdjustment {
  readonly #handler: MqttHandler
  readonly #config: HandlerConfig
  readonly #parts: Parts
  readonly #methods: MqttHandler['authenticationMethods']
  /** Take back what was done, in its order. */
  readonly #undo: (() => void)[] = []
  readonly #moves: BrokerMove[] = []
  /** The names of the authenticators that are other ones than before. */
  #replaced: readonly string[] = []

  constructor(
    handler: MqttHandler,
    config: HandlerConfig,
    parts: Parts,
    methods: MqttHandler['authenticationMethods'],
  ) {
    this.#handler = handler
    this.#config = config
    this.#parts = parts
    this.#methods = methods
  }

  commit(): void {
    this.#changeLog()
    this.#changeConfig()
    this.#changeAuthentication()
    if (this.#parts.broker.forClients !== this.#handler.broker) this.#changeBroker()
  }

  undo(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo()
  }

  done(): void {
    const { revocations, seat } = this.#handler
    for (const { move } of this.#moves) move()
    revocations.forgetRemoved(seat)
    for (const name of this.#replaced) revocations.check(name)
  }

  #changeLog(): void {
    const handler = this.#handler
    const before = handler.log
    this.#undo.push(() => useLog(handler, before))
    useLog(handler, this.#parts.logger)
  }

  #changeConfig(): void {
    const handler = this.#handler
    const before = handler.config
    const joined: (() => void)[] = []
    this.#undo.push(() => {
      for (const leave of joined) leave()
      useConfig(handler, before)
    })
    useConfig(handler, this.#config)
    for (const client of handler.clients) {
      if (client.phase < Phase.Accepted) continue
      const had = client.rate
      const rate = handler.rates.join(client, client.identity.clientId, had)
      if (rate === undefined || rate === had) continue
      client.rate = rate
      joined.push(() => {
        handler.rates.unjoin(rate, had)
        client.rate = had
      })
    }
  }

  #changeAuthentication(): void {
    const handler = this.#handler
    const { authenticators = [] } = this.#parts
    const methods = handler.authenticationMethods
    const instances = new Map([...handler.authenticators].map(({ name, authenticator }) => [name, authenticator]))
    const returnAuthenticators = handler.authenticators.replace(authenticators, this.#methods.size > 0)
    this.#undo.push(() => {
      returnAuthenticators()
      handler.authenticationMethods = methods
    })
    handler.authenticationMethods = this.#methods
    this.#undo.push(handler.revocations.listen(handler.seat))
    // Also one that comes back: clients that it allowed before it was removed may be connected.
    this.#replaced = authenticators.filter((each) => instances.get(each.name) !== each).map(({ name }) => name)
  }

  /** The sessions of the clients continue in another broker. */
  #changeBroker(): void {
    const handler = this.#handler
    const before = handler.broker
    const present = this.#parts.broker.forClients
    // All are found before anything is changed.
    const sessions = [...handler.clients].map((client) => ({
      ...{ client, session: client.session },
      successor: client.session && successorOf(client.session, before, present),
    }))
    const silent = handler.silentClients
    this.#undo.push(() => {
      handler.broker = before
      handler.silentClients = silent
      for (const { client, session } of sessions) {
        client.session = session
        client.gate.journal = before.journal
      }
    })
    handler.broker = present
    handler.silentClients = silentClientsOf(present)
    for (const { client, successor } of sessions) {
      client.session = successor
      client.gate.journal = present.journal
      successor?.continueWith(client)
      if (client.gate.waiting > 0) client.awaitStore()
    }
    this.#move(handler.revocations.useBroker(present))
    this.#move(handler.authenticationExpiry.useBroker(present, handler.clients))
    this.#moves.push({ undo: () => undefined, move: () => this.#moveClients(before.scheduler, silent) })
  }

  #move(move: BrokerMove): void {
    this.#moves.push(move)
    this.#undo.push(() => move.undo())
  }

  #moveClients(scheduler: MqttHandler['broker']['scheduler'], silent: MqttHandler['silentClients']): void {
    const handler = this.#handler
    for (const client of [...handler.clients]) {
      if (silent.delete(client)) handler.silentClients.add(client)
      if (client.filters === undefined) continue
      scheduler.delete(client.filters)
      client.filters.resume()
    }
  }
}

const useLog = (handler: MqttHandler, log: Logger): void => {
  handler.log = log
  handler.clientLog.log = log
  handler.revocations.log = log
  handler.rates.log = log
}

const useConfig = (handler: MqttHandler, config: HandlerConfig): void => {
  handler.config = config
  handler.connecting.maximum = config.maximumConnecting
  handler.userConnections.limit(
    config.maximumConnectionsPerUser,
    [...handler.clients].filter(({ phase }) => phase >= Phase.Accepted),
  )
  handler.rates.limit(config)
  for (const client of handler.clients) client.limitConnecting()
}
