import { type Delivery, type DeliveryResult, refusedDelivery, type Subscriber } from '../../src/kinds/router.ts'
import { Message } from '../../src/mqtt/message.ts'
import { Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import { PublishRun } from '../../src/mqtt/publish-run.ts'
import type { Subscription } from '../../src/mqtt/subscription.ts'
import { packetBytes } from './packet-bytes.ts'

/** A subscriber that keeps what it receives. */
export class Mailbox implements Subscriber {
  readonly id: string
  connected = true
  /** Whether it sends what it gets at once, while it is connected. */
  ready = true
  unacknowledged = 0
  /** The work that it reports for a delivery. */
  work = 1
  /** Whether its queue is full, and refuses messages. */
  refuses = false
  readonly messages: Message[] = []
  readonly deliveries: Delivery[] = []

  constructor(id = 'mailbox') {
    this.id = id
  }

  get topics(): string[] {
    return this.messages.map(({ topic }) => topic)
  }

  takes(): boolean {
    return this.connected && this.ready
  }

  deliver(message: Message, delivery: Delivery): DeliveryResult {
    if (this.refuses) return refusedDelivery(this.work)
    this.messages.push(message.keep())
    this.deliveries.push(delivery)
    return this.work
  }
}

/** A subscription with default options, except for the given ones. */
export const subscriptionTo = (filter: string, options: Partial<Subscription> = {}): Subscription => ({
  filter,
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  identifier: 0,
  ...options,
})

/** A message of which only the topic matters. */
export const messageOn = (topic: string): Message => Message.of({ topic, payload: Buffer.from('payload') })

/** A mailbox that accepts runs, or refuses them. */
export class RunMailbox extends Mailbox {
  /** The deliveries of the runs that it was offered. */
  readonly offered: Delivery[] = []
  readonly #takes: boolean

  constructor(takes: boolean) {
    super()
    this.#takes = takes
  }

  deliverRun(run: PublishRun, delivery: Delivery): boolean {
    this.offered.push(delivery)
    if (this.#takes) run.each((message) => this.deliver(message, delivery))
    return this.#takes
  }
}

/** A run of PUBLISH packets. @param version of their form. */
export const runOf = (
  topic: string,
  payloads: readonly string[],
  version: 4 | 5 = 4,
  properties = '',
  qos: 0 | 1 = 0,
): PublishRun => {
  const start = qos === 0 ? `30 @ "${topic}"` : `32 @ "${topic}" 0001`
  const packets = payloads.map((payload) =>
    packetBytes(`${start} ${version === 5 ? `[${properties}]` : ''} '${payload}'`),
  )
  const bytes = Buffer.concat(packets)
  const first: PublishFields = new Publish()
  first.packetIdentifier = qos
  first.payloadFormatUtf8 = properties.startsWith('01 01')
  const message = Message.refill(first.message, bytes)
  message.qos = qos
  if (qos === 0) message.frameVersion = version
  message.frameEnd = packets[0]!.length
  message.topicStart = packets[0]!.indexOf(topic)
  message.topicEnd = message.topicStart + topic.length
  message.payloadEnd = message.frameEnd
  message.payloadStart = message.payloadEnd - payloads[0]!.length
  message.propertiesStart = version === 5 ? message.topicEnd + 2 * qos + 1 : 0
  message.propertiesEnd = version === 5 ? message.payloadStart : 0
  const run = new PublishRun()
  run.gather(first, bytes.length, bytes.length)
  return run
}
