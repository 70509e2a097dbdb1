/** A broker in a program, in an ECMAScript module. */
import { createBroker } from 'mqtt-jig'

const broker = await createBroker({ port: 0 })
broker.subscribe('house/#', ({ topic, payload }) => console.log(topic, payload.toString()))
broker.publish('house/lamp', 'on', { retain: true })

console.log(`clients: ${broker.clients().length}, retained messages: ${broker.retained('house/#').length}`)
await broker.close()
