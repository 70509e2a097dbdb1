import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, unique } from '../helpers/conformance-broker.ts'

const QOS_NOT_SUPPORTED = 0x9b
const RETAIN_NOT_SUPPORTED = 0x9a

describe.skipIf(isOtherBroker).concurrent('3.2.2.3 CONNACK: a broker that can do less', () => {
  describe.each([0, 1] as const)('Maximum QoS %i', (maximumQoS) => {
    const broker = conformanceBroker({ handler: { maximumQoS } })

    it('is said in CONNACK [MQTT-3.2.2-9]', async () => {
      const { connack } = await broker.connect()
      // mqtt-packet reads the byte; it is 0 or 1.
      expect(connack?.hex).toContain(`24${maximumQoS === 0 ? '00' : '01'}`)
      expect(connack?.properties).toHaveProperty('maximumQoS')
    })

    it('leaves SUBSCRIBE with every QoS accepted, and grants no more [MQTT-3.2.2-10]', async () => {
      const topic = unique()
      const client = await broker.connect()
      client.send(`82 @ 0001 [] "${topic}" 02 "${topic}/1" 01 "${topic}/0" 00`)
      const granted = [maximumQoS, Math.min(1, maximumQoS), 0]
      await client.expect({ cmd: 'suback', granted })
      await client.publish(topic, 'x', { qos: maximumQoS })
      await client.message({ payload: 'x', qos: maximumQoS })
    })

    it('refuses a PUBLISH over it [MQTT-3.2.2-11]', async () => {
      const topic = unique()
      const [watcher, client] = [await broker.connect(), await broker.connect()]
      await watcher.subscribe(topic)
      client.sendPublish(topic, 'x', { qos: maximumQoS === 0 ? 1 : 2 })
      await client.expectDisconnect(QOS_NOT_SUPPORTED)
      await watcher.expectNothing()
    })

    it('refuses a Will QoS above it, and accepts a lower one [MQTT-3.2.2-12]', async () => {
      const will = { topic: unique(), payload: 'will', retain: false }
      const client = await broker.sendConnect({ will: { ...will, qos: 2 } })
      await client.expectRefusal(QOS_NOT_SUPPORTED)
      await broker.connect({ will: { ...will, qos: maximumQoS } })
    })
  })

  describe('Retain Available 0', () => {
    const broker = conformanceBroker({ handler: { retainAvailable: false } })

    it('refuses a Will with Will Retain [MQTT-3.2.2-13]', async () => {
      const will = { topic: unique(), payload: 'will', qos: 0 as const }
      const client = await broker.sendConnect({ will: { ...will, retain: true } })
      await client.expectRefusal(RETAIN_NOT_SUPPORTED)
      const { connack } = await broker.connect({ will: { ...will, retain: false } })
      expect(connack?.properties.retainAvailable).toBe(false)
    })

    it('refuses a PUBLISH with RETAIN [MQTT-3.2.2-14]', async () => {
      const topic = unique()
      const [watcher, client] = [await broker.connect(), await broker.connect()]
      await watcher.subscribe(topic)
      client.send(`31 @ "${topic}" [] 78`)
      await client.expectDisconnect(RETAIN_NOT_SUPPORTED)
      await watcher.expectNothing()
    })
  })

  describe('a Maximum Packet Size', () => {
    const broker = conformanceBroker({ decoder: { maximumPacketSize: 200 } })
    const overhead = 2 + 1 + 2 + 1 + 1

    it('is said in CONNACK, and a packet over it refused with 0x95 [MQTT-3.2.2-15]', async () => {
      const topic = 't'
      const client = await broker.connect()
      expect(client.connack?.properties.maximumPacketSize).toBe(200)
      client.sendPublish(topic, 'x'.repeat(200 - overhead))
      await client.expectNothing()
      client.sendPublish(topic, 'x'.repeat(201 - overhead))
      await client.expectDisconnect(0x95)
    })
  })

  describe('no Subscription Identifiers, Shared Subscriptions, wildcards', () => {
    const broker = conformanceBroker({
      handler: {
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        wildcardSubscriptionAvailable: false,
      },
    })

    it('is said in CONNACK', async () => {
      expect((await broker.connect()).connack?.properties).toMatchObject({
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        wildcardSubscriptionAvailable: false,
      })
    })

    it.each([
      ['a Subscription Identifier', '82 @ 0001 [0b 01] "a" 00', 0xa1],
      ['a Shared Subscription', '82 @ 0001 [] "$share/g/a" 00', 0x9e],
      ['a wildcard', '82 @ 0001 [] "a" 00 "a/#" 00', 0xa2],
    ])('refuses %s in SUBSCRIBE', async (_, packet, code) => {
      const client = await broker.connect()
      client.send(packet)
      await client.expectDisconnect(code)
    })
  })

  describe('a Server Reference', () => {
    const broker = conformanceBroker({ handler: { serverReference: { server: 'other.example:1883' } } })

    it('sends every client there', async () => {
      const client = await broker.sendConnect()
      const refusal = await client.expectRefusal(0x9c)
      expect(refusal.properties.serverReference).toBe('other.example:1883')
    })

    it('a Server Reference that makes CONNACK larger than the client accepts is left out [MQTT-3.1.2-24]', async () => {
      const client = await broker.sendConnect({ properties: { maximumPacketSize: 10 } })
      expect(await client.expectRefusal(0x9c)).toMatchObject({ size: 5, properties: {} })
    })
  })

  describe('a check of the payload format', () => {
    const broker = conformanceBroker({ handler: { checkPayloadFormat: true } })

    it('refuses a payload that is not the UTF-8 it is said to be', async () => {
      const topic = unique()
      const client = await broker.connect()
      await client.subscribe(topic)
      client.send(`32 @ "${topic}" 0001 [01 01] ff`)
      await client.expect({ cmd: 'puback', messageId: 1, reasonCode: 0x99 })
      client.send(`32 @ "${topic}" 0002 [01 00] ff`)
      expect(await client.take('puback')).toMatchObject({ messageId: 2, reasonCode: 0 })
      await client.message()
      await client.expectNothing()
    })
  })
})
