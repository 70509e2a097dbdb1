import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Broker, startBroker } from '../helpers/start-broker.ts'

/** The broker of system.config.ts under mqtt.js clients of MQTT 3.1.1. */
describe('publish and subscribe', () => {
  let broker: Broker
  const clients: MqttClient[] = []
  beforeEach(async () => {
    broker = await startBroker()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    await broker.stop()
  })

  const connect = async (options: mqtt.IClientOptions = {}): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0, ...options })
    clients.push(client)
    return client
  }
  /** The messages a client gets, up to and with the one that says `end`. */
  const messagesUpToEnd = (client: MqttClient): Promise<string[]> =>
    new Promise((resolve) => {
      const messages: string[] = []
      client.on('message', (topic, payload) => {
        if (topic === 'end') resolve(messages)
        else messages.push(`${topic}: ${payload}`)
      })
    })
  const nextMessage = (client: MqttClient): Promise<IPublishPacket> =>
    new Promise((resolve) => client.once('message', (_topic, _payload, packet) => resolve(packet)))
  const publish = async (client: MqttClient, ...topics: string[]) => {
    for (const topic of [...topics, 'end']) await client.publishAsync(topic, `on ${topic}`)
  }

  it('delivers a message to its subscribers only', async () => {
    const [publisher, first, second, other] = await Promise.all([connect(), connect(), connect(), connect()])
    for (const client of [first, second]) await client.subscribeAsync(['/test', 'end'])
    await other.subscribeAsync(['/other', 'end'])
    const received = [first, second, other].map(messagesUpToEnd)
    await publish(publisher, '/test')
    expect(await Promise.all(received)).toEqual([['/test: on /test'], ['/test: on /test'], []])
  })

  it('delivers to the publisher itself when it is a subscriber', async () => {
    const client = await connect()
    await client.subscribeAsync(['a', 'end'])
    const received = messagesUpToEnd(client)
    await publish(client, 'a')
    expect(await received).toEqual(['a: on a'])
  })

  it.each([
    ['a/+', ['a/b', 'a/', 'a/b/c', 'a'], ['a/b', 'a/']],
    ['a/#', ['a', 'a/b/c', 'b'], ['a', 'a/b/c']],
    ['+/b/#', ['a/b', 'a/b/c/d', 'a/c'], ['a/b', 'a/b/c/d']],
    ['#', ['a', '$SYS/a'], ['a']],
  ])('delivers what matches %s', async (filter, topics, expected) => {
    const [publisher, subscriber] = await Promise.all([connect(), connect()])
    // `#` matches the topic `end` too.
    await subscriber.subscribeAsync([filter, 'end'])
    const received = messagesUpToEnd(subscriber)
    await publish(publisher, ...topics)
    expect(await received).toEqual(expected.map((topic) => `${topic}: on ${topic}`))
  })

  it('keeps the order of a publisher, over many messages at once', async () => {
    const [publisher, subscriber] = await Promise.all([connect(), connect()])
    await subscriber.subscribeAsync(['n/#', 'end'])
    const received = messagesUpToEnd(subscriber)
    const topics = Array.from({ length: 2_000 }, (_, n) => `n/${n}`)
    await publish(publisher, ...topics)
    expect(await received).toEqual(topics.map((topic) => `${topic}: on ${topic}`))
  })

  it('carries payloads as they are, empty and large', async () => {
    const [publisher, subscriber] = await Promise.all([connect(), connect()])
    await subscriber.subscribeAsync('a')
    for (const payload of [Buffer.alloc(0), Buffer.from([0, 255, 128]), Buffer.alloc(1_000_000, 'x')]) {
      const message = nextMessage(subscriber)
      await publisher.publishAsync('a', payload)
      expect(payload.equals((await message).payload as Buffer)).toBe(true)
    }
  })

  it('delivers no more after UNSUBSCRIBE', async () => {
    const [publisher, subscriber] = await Promise.all([connect(), connect()])
    await subscriber.subscribeAsync(['a', 'a/#', 'end'])
    await subscriber.unsubscribeAsync(['a', 'never/subscribed'])
    expect(broker.map.router.subscriptions).toBe(2)
    await subscriber.unsubscribeAsync('a/#')
    const received = messagesUpToEnd(subscriber)
    await publish(publisher, 'a')
    expect(await received).toEqual([])
  })

  it('forgets the subscriptions of a client that is gone, with DISCONNECT or without', async () => {
    const [stays, leaves, vanishes] = await Promise.all([connect(), connect(), connect()])
    for (const client of [stays, leaves, vanishes]) await client.subscribeAsync(['a', 'b/#'])
    expect(broker.map.router.subscriptions).toBe(6)
    const gone = [leaves, vanishes].map(
      (client) => new Promise((resolve) => client.once('close', () => resolve(undefined))),
    )
    leaves.end()
    vanishes.stream.destroy()
    await Promise.all(gone)
    // An answer to another client comes after the broker has seen both disconnects.
    while (broker.map.server.connections > 1) await stays.subscribeAsync('a')
    expect(broker.map.router.subscriptions).toBe(2)
  })
})
