/** Two brokers in one process. What is published at the first one is passed on to the second one. */
import { createBroker } from 'mqtt-jig'

const [inner, outer] = await Promise.all([createBroker({ port: 0 }), createBroker({ port: 0 })])
inner.subscribe('public/#', ({ topic, payload }) => outer.publish(topic, payload))
outer.subscribe('#', ({ topic, payload }) => console.log(topic, payload.toString()))

inner.publish('public/temperature', '21.5')
inner.publish('private/temperature', '36.6')
await Promise.all([inner.close(), outer.close()])
