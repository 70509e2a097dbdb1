import type { IPublishPacket } from 'mqtt-packet'
import type { Router, Subscriber } from '../../src/kinds/router.ts'
import { TopicTrie } from '../../src/mqtt/topic-trie.ts'

/** Routes messages among the subscribers of this process. */
export class LocalRouter implements Router {
  readonly #trie = new TopicTrie<Subscriber, true>()

  get subscriptions(): number {
    return this.#trie.size
  }

  subscribe(filter: string, subscriber: Subscriber): void {
    this.#trie.set(filter, subscriber, true)
  }

  unsubscribe(filter: string, subscriber: Subscriber): boolean {
    return this.#trie.delete(filter, subscriber)
  }

  publish(message: IPublishPacket): void {
    const matches = this.#trie.match(message.topic)
    if (matches.length === 1) {
      for (const subscriber of matches[0]!.keys()) subscriber.deliver(message)
      return
    }
    // Overlapping filters: each subscriber gets the message once [MQTT-3.3.5-1].
    const served = new Set<Subscriber>()
    for (const subscribers of matches) for (const subscriber of subscribers.keys()) served.add(subscriber)
    for (const subscriber of served) subscriber.deliver(message)
  }
}
