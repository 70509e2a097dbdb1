import type { ClientInfo, SessionInfo } from '../../src/kinds/broker.ts'
import type {
  BrokerInspector,
  ClientRow,
  RetainedLimits,
  RetainedPage,
  SessionRow,
  SubscriptionRow,
  TopicLevel,
} from '../../src/kinds/broker-inspector.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { BrokerCore } from './broker-core.ts'
import { checkFilter, checkTopic } from './plain-message.ts'
import type { Session } from './session.ts'

/** Walks over the sessions and retained messages of a broker. */
export class Inspector implements BrokerInspector {
  readonly #core: BrokerCore

  constructor(core: BrokerCore) {
    this.#core = core
  }

  get counts(): BrokerInspector['counts'] {
    const { sessions, router, retained } = this.#core
    return {
      clients: sessions.connected.size,
      sessions: sessions.count,
      subscriptions: router.subscriptions,
      retained: retained.messages.count,
    }
  }

  *clients(): IterableIterator<ClientRow> {
    for (const session of this.#core.sessions.connected) {
      const { recipient } = session
      if (recipient !== undefined) yield { ...clientSummary(session, recipient), session: sessionRow(session) }
    }
  }

  // A session that ends is in this list no more.
  *sessions(): IterableIterator<SessionRow | undefined> {
    for (const session of this.#core.sessions) yield sessionRow(session)
  }

  *subscriptions(): IterableIterator<SubscriptionRow | undefined> {
    for (const session of this.#core.sessions) {
      yield undefined
      for (const { filter, qos } of session.subscriptions.values()) {
        // It may have ended since the step before.
        if (session.hasEnded) break
        yield { clientId: session.id, filter, qos }
      }
    }
  }

  *topics(above: string | undefined): IterableIterator<TopicLevel | undefined> {
    const nowMs = this.#core.now()
    for (const { level, children, message } of this.#core.retained.messages.levels(above)) {
      const current = message !== undefined && message.expiresAtMs > nowMs ? message : undefined
      yield children > 0 || current !== undefined ? { level, children, message: current } : undefined
    }
  }

  retained(filter: string, after: number, limits: RetainedLimits): RetainedPage {
    checkFilter(filter)
    const { messages } = this.#core.retained
    const last = Math.min(messages.lastNumber, limits.last)
    const { numbers, reached } = messages.walk(filter, after, last, limits)
    const nowMs = this.#core.now()
    const found = numbers.map((number) => messages.at(number, nowMs)).filter((message) => message !== undefined)
    return { messages: found, next: reached < last ? reached : undefined }
  }

  retainedMessage(topic: string): Message | undefined {
    checkTopic(topic)
    return this.#core.retained.messages.get(topic, this.#core.now())
  }
}

/** A connected client, without its session. */
export const clientSummary = (session: Session, recipient: Recipient): Omit<ClientInfo, 'session'> => ({
  id: session.id,
  userName: recipient.identity.userName,
  peer: recipient.identity.peer,
  ...recipient.info(),
})

export const sessionRow = (session: Session): SessionRow => ({
  id: session.id,
  userName: session.identity.userName,
  connected: session.connected,
  expiryIntervalSeconds: session.expiryIntervalSeconds,
  disconnectedAtMs: session.disconnectedAtMs,
  subscriptions: session.subscriptions.size,
  inflight: session.outbox.inflight,
  waiting: session.outbox.waiting,
  hasWill: session.will.stored !== undefined,
})

export const sessionInfo = (session: Session): SessionInfo => ({
  ...sessionRow(session),
  subscriptions: Array.from(session.subscriptions.values(), ({ filter, qos }) => ({ filter, qos })),
})
