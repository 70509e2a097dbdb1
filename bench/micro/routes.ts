import type { Bench } from 'tinybench'
import { LocalRouter } from '../../components/router/local-router.ts'
import { Message } from '../../src/mqtt/message.ts'
import type { Subscriber } from '../../src/mqtt/subscriber.ts'
import { batch } from './batch.ts'

/** From a message to its subscribers, with different topics. */
export const addRoutes = (bench: Bench): void => {
  const topics = Array.from({ length: batch }, (_, index) => Buffer.from(`site/1/device/${index}/value`))
  const lent = new Message()
  const shapes = {
    'own topic': (index: number) => [`site/1/device/${index}/value`],
    'one + for all': (index: number) => (index === 0 ? ['site/1/device/+/value'] : []),
    'own topic, + and #': (index: number) => [
      `site/1/device/${index}/value`,
      ...(index === 0 ? ['site/1/device/+/value', 'site/#'] : []),
    ],
  }
  for (const [name, filtersOf] of Object.entries(shapes)) {
    const router = new LocalRouter()
    for (let index = 0; index < batch; index++) {
      for (const filter of filtersOf(index)) subscribe(router, filter)
    }
    bench.add(`route, ${name}`, () => {
      for (const topic of topics) {
        // As a decoder lends it: the topic is not known as a string yet.
        Message.refill(lent, topic).topicEnd = topic.length
        if (router.publish(lent).subscribers === 0) throw new Error(`no subscriber got ${lent.topic}`)
      }
    })
  }
}

/** Each filter has a subscriber of its own. */
const subscribe = (router: LocalRouter, filter: string): void => {
  const subscriber: Subscriber = { id: filter, connected: true, unacknowledged: 0, takes: () => true, deliver: () => 1 }
  router.subscribe(subscriber, { filter, qos: 0, noLocal: false, retainAsPublished: false, identifier: 0 })
}
