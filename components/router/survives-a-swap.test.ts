import { Message } from '../../src/mqtt/message.ts'
import { survivesASwap } from '../../test/contract/survives-a-swap.ts'
import { Mailbox } from '../../test/helpers/mailbox.ts'
import { router } from './index.ts'
import type { LocalRouter } from './local-router.ts'

interface Subscribers {
  readonly all: readonly Mailbox[]
}
const at = ({ all }: Subscribers, index: number): Mailbox => all[index]!
const subscribe = (index: number, filter: string) => (instance: LocalRouter, subscribers: Subscribers) =>
  instance.subscribe(at(subscribers, index), {
    ...{ filter, qos: 1, noLocal: false, retainAsPublished: true, identifier: index },
  })
const publish = (topic: string) => (instance: LocalRouter) => ({ ...instance.publish(Message.of({ topic })) })

survivesASwap<LocalRouter, Subscribers>('router', {
  component: router,
  config: {},
  others: [
    { sharedSubscriptionPolicy: 'sticky' },
    { sharedSubscriptionPolicy: 'topic-hash' },
    { sharedSubscriptionPolicy: 'least-in-flight' },
  ],
  dependencies: () => ({ all: ['a', 'b', 'c', 'd'].map((id) => new Mailbox(id)) }),
  history: [
    subscribe(0, 'x'),
    subscribe(0, '$share/g/x'),
    subscribe(1, '$share/g/x'),
    subscribe(2, '$share/g/x'),
    publish('x'),
    subscribe(1, '+'),
    publish('x'),
    (_, subscribers) => {
      at(subscribers, 1).connected = false
    },
    (instance, subscribers) => instance.connectionChanged(at(subscribers, 1)),
    publish('x'),
    (instance, subscribers) => instance.unsubscribe(at(subscribers, 0), '$share/g/x'),
    subscribe(3, '$share/g/x'),
    publish('x'),
  ],
  observe: (instance, subscribers) => {
    for (const topic of ['x', 'y', 'x', 'x']) publish(topic)(instance)
    const { subscriptions, sharedSubscriptions } = instance
    return [subscriptions, sharedSubscriptions, subscribers.all.map(({ topics }) => topics)]
  },
})
