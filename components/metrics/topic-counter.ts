import type { Delivery, Router, Subscriber } from '../../src/kinds/router.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'

/** Counts the messages that a Topic Filter matches. It takes runs as a whole, so that they stay runs for all other subscribers. */
export class TopicCounter implements Subscriber {
  readonly id: string
  readonly connected = true
  readonly unacknowledged = 0
  readonly name: string
  messages = 0
  /** Of the payloads. */
  bytes = 0
  readonly #filter: string
  readonly #router: Router

  /** Begins to count. @param filter a Topic Filter, not of a Shared Subscription. */
  constructor(component: string, name: string, filter: string, router: Router) {
    this.id = `$${component}-${name}`
    this.name = name
    this.#filter = filter
    this.#router = router
    router.subscribe(this, { filter, qos: 0, noLocal: false, retainAsPublished: true, identifier: 0 })
  }

  stop(): void {
    this.#router.unsubscribe(this, this.#filter)
  }

  takes(): boolean {
    return true
  }

  deliver(message: Message, _delivery: Delivery): number {
    this.messages += 1
    this.bytes += message.payloadLength
    return 1
  }

  deliverRun(run: PublishRun, _delivery: Delivery): boolean {
    this.messages += run.count
    run.each(({ payloadLength }) => {
      this.bytes += payloadLength
    })
    return true
  }
}
