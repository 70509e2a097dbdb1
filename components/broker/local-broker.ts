import type {
  Broker,
  ClientInfo,
  PlainMessage,
  Published,
  SessionInfo,
  VolatileTopics,
} from '../../src/kinds/broker.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientListener } from '../../src/kinds/client-listener.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { BrokerCore, type BrokerParts } from './broker-core.ts'
import type { BrokerState } from './broker-state.ts'
import type { BrokerConfig } from './config.ts'
import { clientSummary, Inspector, sessionInfo } from './inspector.ts'
import { checkFilter, checkTopic, messageOf } from './plain-message.ts'
import { ProcessListener } from './process-listener.ts'
import type { Session } from './session.ts'
import { OwnVolatileTopics } from './volatile-topics.ts'

/** The default limit of a list of retained messages. */
const RETAINED_LIMIT = 1_000

/** How deep listeners may publish for each other. A listener that calls itself this way would never end. */
const MAXIMUM_DEPTH = 8

/** The broker of this process, for operators and other components. */
export class LocalBroker implements Broker {
  readonly core: BrokerCore
  readonly inspector: Inspector
  #listeners = 0
  /** Calls of `publish` that are under way: more than one when listeners publish. */
  #depth = 0

  /** @param isPassive whether it begins to act only with `takeOver`. */
  constructor(config: BrokerConfig, parts: BrokerParts, isPassive = false) {
    this.core = new BrokerCore(config, parts)
    this.inspector = new Inspector(this.core)
    if (!isPassive) this.core.begin()
  }

  /** For a successor. Changes nothing. @throws as `BrokerCore.handOver`. */
  handOver(): { readonly core: BrokerState; readonly listeners: number } {
    return { core: this.core.handOver(), listeners: this.#listeners }
  }

  /** Continues what a predecessor gave, and begins to act. @returns takes it back. */
  takeOver({ core, listeners }: ReturnType<LocalBroker['handOver']>): () => void {
    this.#listeners = listeners
    return this.core.takeOver(core)
  }

  get forClients(): ClientBroker {
    return this.core.forClients
  }

  *clients(): IterableIterator<ClientInfo> {
    for (const session of [...this.core.sessions.connected]) {
      const { recipient } = session
      if (recipient !== undefined) yield clientInfo(session, recipient)
    }
  }

  client(id: string): ClientInfo | undefined {
    const session = this.core.sessions.get(id)
    return session?.recipient === undefined ? undefined : clientInfo(session, session.recipient)
  }

  *sessions(): IterableIterator<SessionInfo> {
    for (const session of [...this.core.sessions]) if (!session.hasEnded) yield sessionInfo(session)
  }

  session(id: string): SessionInfo | undefined {
    const session = this.core.sessions.get(id)
    return session === undefined ? undefined : sessionInfo(session)
  }

  disconnect(id: string, reasonCode: ReasonCode = ReasonCode.AdministrativeAction): boolean {
    const recipient = this.core.sessions.get(id)?.recipient
    if (recipient === undefined) return false
    recipient.disconnect(reasonCode, 'an operator disconnected the client')
    return true
  }

  endSession(id: string): boolean {
    const session = this.core.sessions.get(id)
    if (session === undefined) return false
    // Its client stays connected if it cannot end.
    if (session.connected) session.outbox.waitingMessages.checkReadable()
    session.recipient?.disconnect(ReasonCode.AdministrativeAction, 'an operator ended the session')
    // No effect for a session that has ended with its connection.
    this.core.sessions.end(session)
    return true
  }

  retained(filter: string, limit = RETAINED_LIMIT): readonly Message[] {
    checkFilter(filter)
    return this.core.retained.find(filter, limit, this.core.now(), this.core.scheduler.payer)
  }

  deleteRetained(topic: string): boolean {
    checkTopic(topic)
    return this.core.retained.delete(topic)
  }

  publish(message: PlainMessage | Message): Published {
    const { publishing, scheduler } = this.core
    const own = messageOf(message, this.core.now())
    return this.#published(() => publishing.publishOwn(own, scheduler.payer))
  }

  volatileTopics(): VolatileTopics {
    const { publishing, retained, scheduler } = this.core
    const publish = (message: Message): Published =>
      this.#published(() => publishing.publishVolatile(message, scheduler.payer))
    return new OwnVolatileTopics({ publish, retained })
  }

  subscribe(filter: string, listener: (message: Message) => unknown): () => void {
    checkFilter(filter)
    const { core } = this
    this.#listeners += 1
    const subscriber = new ProcessListener(`$listener-${this.#listeners}`, listener, core.log)
    core.router.subscribe(subscriber, { filter, qos: 0, noLocal: false, retainAsPublished: true, identifier: 0 })
    return () => {
      core.router.unsubscribe(subscriber, filter)
    }
  }

  watchClients(listener: ClientListener): () => void {
    return this.core.clientListeners.add(listener)
  }

  /** Listeners may publish, for each other or for themselves. */
  #published(publish: () => Published): Published {
    if (this.#depth === MAXIMUM_DEPTH) {
      throw new Error(`Listeners publish messages for each other or for themselves, more than ${MAXIMUM_DEPTH} deep.`)
    }
    this.#depth += 1
    try {
      const { reasonCode, subscribers } = publish()
      return { reasonCode, subscribers }
    } finally {
      this.#depth -= 1
    }
  }

  /** As `BrokerCore.restore`. */
  restore(): Promise<void> {
    return this.core.restore()
  }

  stop(): void {
    this.core.stop()
  }
}

const clientInfo = (session: Session, recipient: Recipient): ClientInfo => ({
  ...clientSummary(session, recipient),
  session: sessionInfo(session),
})
