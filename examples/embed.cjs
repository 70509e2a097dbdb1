/** A broker in a program, in a CommonJS module. It needs Node 20.19 or newer. */
const { createBroker } = require('mqtt-jig')

createBroker({ port: 0 }).then(async (broker) => {
  broker.subscribe('house/#', ({ topic, payload }) => console.log(topic, payload.toString()))
  broker.publish('house/lamp', 'on', { retain: true })
  console.log(`clients: ${broker.clients().length}, retained messages: ${broker.retained('house/#').length}`)
  await broker.close()
})
