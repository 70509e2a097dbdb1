import type { QoS } from 'mqtt-packet'
import type { Message } from '../../src/mqtt/message.ts'
import { NONE } from '../../src/mqtt/publish.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import type { Client } from './client.ts'
import type { Session } from './session.ts'

/**
 * Sends one client the retained messages of its new subscriptions, as fast as it takes them: `#` may match a million, and
 * they must fill neither memory nor the queue of the session. A message that changes or goes meanwhile is sent as it is
 * when its turn comes.
 */
export class RetainedSender {
  readonly #client: Client
  /** Subscriptions whose turn is yet to come, by Topic Filter: as many as the client may hold. */
  readonly #subscriptions = new Map<string, Subscription>()
  // The one whose turn it is, with the messages that match it.
  #current: Subscription | undefined
  #matches: readonly Message[] = []
  #position = 0

  constructor(client: Client) {
    this.#client = client
  }

  /** Adds a subscription that gets retained messages. */
  add(subscription: Subscription): void {
    this.remove(subscription.filter)
    this.#subscriptions.set(subscription.filter, subscription)
  }

  /** The subscription with this filter gets no more. */
  remove(filter: string): void {
    this.#subscriptions.delete(filter)
    if (this.#current?.filter === filter) this.#finish()
  }

  /** Sends what the client takes now. */
  pump(): void {
    const { session } = this.#client
    while (session !== undefined && this.#client.sendable) {
      const message = this.#peek()
      if (message === undefined) return
      const qos = this.#qosOf(message)
      if (qos > 0 && !session.outbox.idle) return
      this.#position += 1
      const identifiers = this.#identifiers
      // RETAIN is 1: it is sent because of a new subscription (section 3.3.1.3).
      if (qos === 0) this.#client.deliverQoS0(message, true, identifiers)
      else session.outbox.add(message, qos, true, identifiers)
    }
  }

  /** The connection is gone: what the session is owed at QoS 1 and 2 goes into its queue, if it lives on. */
  leave(session: Session): void {
    if (!session.persistent) return
    for (let message = this.#peek(); message !== undefined; message = this.#peek()) {
      this.#position += 1
      const qos = this.#qosOf(message)
      if (qos > 0) session.outbox.add(message, qos, true, this.#identifiers)
    }
  }

  get #identifiers(): readonly number[] {
    const identifier = this.#current?.identifier ?? 0
    return identifier === 0 ? NONE : [identifier]
  }

  #qosOf(message: Message): QoS {
    const granted = this.#current?.qos ?? 0
    return message.qos < granted ? message.qos : granted
  }

  /** The next message, that on the topic at `#position` as it is now; undefined when there are no more. */
  #peek(): Message | undefined {
    const { messages } = this.#client.handler.retained
    for (;;) {
      while (this.#position < this.#matches.length) {
        const message = messages.get(this.#matches[this.#position]!.topic, this.#client.handler.now())
        if (message !== undefined) return message
        this.#position += 1
      }
      this.#finish()
      const next = this.#subscriptions.values().next()
      if (next.done === true) return undefined
      this.#current = next.value
      this.#subscriptions.delete(next.value.filter)
      this.#matches = messages.match(next.value.filter, this.#client.handler.now())
    }
  }

  #finish(): void {
    this.#current = undefined
    this.#matches = []
    this.#position = 0
  }
}
