/** A broker in a program, in TypeScript: names and types of the values are checked by the compiler. */
import { createBroker, type Message } from 'mqtt-jig'

const print = ({ topic, payload }: Message): void => console.log(topic, payload.toString())

const broker = await createBroker({ port: 0, config: { broker: { maximumRetainedMessages: 100 } } })
broker.subscribe('house/#', print)
broker.publish('house/lamp', 'on', { retain: true })

console.log(`clients: ${broker.clients().length}, retained messages: ${broker.retained('house/#').length}`)
await broker.close()
