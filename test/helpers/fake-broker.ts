import type {
  Broker,
  ClientInfo,
  PlainMessage,
  Published,
  SessionInfo,
  VolatileTopics,
} from '../../src/kinds/broker.ts'
import type { ClientListener } from '../../src/kinds/client-listener.ts'
import { Message } from '../../src/mqtt/message.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { naiveMatch } from './naive-match.ts'
import { peerAt } from './peer-at.ts'

/** A session of a fake broker. */
export const sessionInfo = (id: string, more: Partial<SessionInfo> = {}): SessionInfo => ({
  id,
  userName: undefined,
  connected: true,
  expiryIntervalSeconds: 0,
  disconnectedAtMs: undefined,
  subscriptions: [],
  inflight: 0,
  waiting: 0,
  hasWill: false,
  ...more,
})

/** A client of a fake broker, with its session. */
export const clientInfo = (id: string, more: Partial<ClientInfo> = {}): ClientInfo => ({
  id,
  userName: undefined,
  peer: peerAt('127.0.0.1:50000'),
  protocolVersion: 5,
  connectedAtMs: Date.now(),
  keepAliveSeconds: 60,
  pendingBytes: 0,
  bytesReceived: 100,
  session: sessionInfo(id),
  ...more,
})

/** A broker for components that use one: it has the given clients and sessions, and delivers only to its own listeners. */
export class FakeBroker implements Broker {
  /** No client connects to it. */
  get forClients(): Broker['forClients'] {
    throw new Error('the fake broker has no clients of its own')
  }

  get inspector(): Broker['inspector'] {
    throw new Error('the fake broker has no lists in steps')
  }

  readonly connected = new Map<string, ClientInfo>()
  readonly away = new Map<string, SessionInfo>()
  readonly kept = new Map<string, Message>()
  readonly published: Message[] = []
  readonly listeners = new Set<{ readonly filter: string; readonly listener: (message: Message) => void }>()

  clients(): IterableIterator<ClientInfo> {
    return this.connected.values()
  }

  client(id: string): ClientInfo | undefined {
    return this.connected.get(id)
  }

  sessions(): IterableIterator<SessionInfo> {
    return [...[...this.connected.values()].map(({ session }) => session), ...this.away.values()].values()
  }

  session(id: string): SessionInfo | undefined {
    return this.connected.get(id)?.session ?? this.away.get(id)
  }

  disconnect(id: string): boolean {
    return this.connected.delete(id)
  }

  endSession(id: string): boolean {
    return this.connected.delete(id) || this.away.delete(id)
  }

  retained(filter: string, limit = 1000): readonly Message[] {
    checkFilter(filter)
    return [...this.kept.values()].filter(({ topic }) => naiveMatch(filter, topic)).slice(0, limit)
  }

  deleteRetained(topic: string): boolean {
    return this.kept.delete(topic)
  }

  publish(given: PlainMessage | Message): Published {
    if (given.topic === '' || /[+#]/.test(given.topic)) throw new TypeError(`'${given.topic}' is not a Topic Name`)
    if (given.topic === 'forbidden') return { reasonCode: ReasonCode.QuotaExceeded, subscribers: 0 }
    const message =
      given instanceof Message ? given : Message.of({ ...given, payload: Buffer.from(given.payload ?? '') })
    this.published.push(message)
    if (message.retain) this.kept.set(message.topic, message)
    const reached = [...this.listeners].filter(({ filter }) => naiveMatch(filter, message.topic))
    for (const { listener } of reached) listener(message)
    return {
      reasonCode: reached.length > 0 ? ReasonCode.Success : ReasonCode.NoMatchingSubscribers,
      subscribers: reached.length,
    }
  }

  volatileTopics(): VolatileTopics {
    const topics = new Set<string>()
    return {
      publish: (topic, payload, qos = 0) => {
        topics.add(topic)
        return this.publish({ topic, payload, qos, retain: true })
      },
      close: () => {
        for (const topic of topics) this.kept.delete(topic)
      },
    }
  }

  readonly clientListeners = new Set<{ readonly listener: ClientListener }>()

  watchClients(listener: ClientListener): () => void {
    const watch = { listener }
    this.clientListeners.add(watch)
    return () => void this.clientListeners.delete(watch)
  }

  subscribe(filter: string, listener: (message: Message) => void): () => void {
    checkFilter(filter)
    const subscription = { filter, listener }
    this.listeners.add(subscription)
    return () => void this.listeners.delete(subscription)
  }
}

const checkFilter = (filter: string): void => {
  if (filter === '' || /#./.test(filter)) throw new TypeError(`'${filter}' is not a Topic Filter`)
}
