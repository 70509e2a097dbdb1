import type { Delivery, Subscriber } from '../../src/kinds/router.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'

/** A subscriber that keeps what it receives. */
export class Mailbox implements Subscriber {
  readonly id: string
  connected = true
  unacknowledged = 0
  readonly messages: Message[] = []
  readonly deliveries: Delivery[] = []

  constructor(id = 'mailbox') {
    this.id = id
  }

  get topics(): string[] {
    return this.messages.map(({ topic }) => topic)
  }

  deliver(message: Message, delivery: Delivery): void {
    this.messages.push(message)
    this.deliveries.push(delivery)
  }
}

/** A subscription that asks for nothing special, but for what is given. */
export const subscriptionTo = (filter: string, options: Partial<Subscription> = {}): Subscription => ({
  filter,
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  identifier: 0,
  ...options,
})

/** A message of no interest but for its topic. */
export const messageOn = (topic: string): Message => Message.of({ topic, payload: Buffer.from('payload') })
