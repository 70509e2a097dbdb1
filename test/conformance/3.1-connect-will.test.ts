import { describe, expect, it } from 'vitest'
import { after } from '../helpers/after.ts'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'
import { withinRealTime } from '../helpers/eventually.ts'

describe.concurrent('3.1 CONNECT: the Will', () => {
  const broker = conformanceBroker()
  const watch = async (topic: string, qos: 0 | 1 | 2 = 2): Promise<ConformanceClient> => {
    const watcher = await broker.connect()
    await watcher.subscribe(topic, { qos, rap: true })
    return watcher
  }
  const will = (topic: string, payload = 'will') => ({ topic, payload, qos: 0 as const, retain: false })

  it('is stored, and published with all it has when the connection breaks [MQTT-3.1.2-7, MQTT-3.1.2-8]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const client = await broker.connect({
      will: {
        ...will(topic),
        qos: 1,
        properties: {
          payloadFormatIndicator: true,
          contentType: 'text/plain',
          responseTopic: 'answers',
          correlationData: Buffer.from([0, 1]),
          messageExpiryInterval: 300,
        },
      },
    })
    await watcher.expectNothing()
    await client.vanish()
    const { properties } = await watcher.message({ topic, payload: 'will', qos: 1, retain: false, dup: false })
    expect(properties).toMatchObject({ payloadFormatIndicator: true, contentType: 'text/plain' })
    expect(properties).toMatchObject({ responseTopic: 'answers', correlationData: Buffer.from([0, 1]) })
    expect(properties.messageExpiryInterval).toBeGreaterThanOrEqual(299)
  })

  it.each([
    ['DISCONNECT with 0x04', 'e0 01 04'],
    ['DISCONNECT with another Reason Code', 'e0 01 80'],
    ['a Protocol Error', '30 @ "" [] 00'],
    ['a Malformed Packet', '36 00'],
    ['a second CONNECT', '10 @ "MQTT" 05 02 003c [] "c"'],
  ])('is published after %s [MQTT-3.1.2-8]', async (_, packet) => {
    const topic = unique()
    const watcher = await watch(topic)
    const client = await broker.connect({ will: will(topic) })
    client.send(packet)
    await watcher.message({ topic, payload: 'will' })
  })

  it('is published when the Keep Alive runs out [MQTT-3.1.2-8]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    await broker.connect({ keepalive: 1, will: will(topic) })
    await watcher.message({ topic, payload: 'will' })
  })

  it('is published when another connection takes the session over and ends it [MQTT-3.1.2-8]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const watcher = await watch(topic)
    const properties = { sessionExpiryInterval: 600 }
    const delayed = { ...will(topic), properties: { willDelayInterval: 600 } }
    await broker.connect({ clientId, properties, will: delayed })
    await broker.connect({ clientId, clean: true })
    await watcher.message({ topic, payload: 'will' })
  })

  it('is published when another connection takes the session over and it has no delay [MQTT-3.1.2-8]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const watcher = await watch(topic)
    await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 }, will: will(topic) })
    await broker.connect({ clientId, clean: false, properties: { sessionExpiryInterval: 600 } })
    await watcher.message({ topic, payload: 'will' })
  })

  it('is published after the Will Delay Interval, not before [MQTT-3.1.2-8]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const delayed = { ...will(topic), properties: { willDelayInterval: 1 } }
    const client = await broker.connect({ properties: { sessionExpiryInterval: 600 }, will: delayed })
    const isDue = after(950)
    await client.vanish()
    await watcher.message({ topic, payload: 'will' })
    expect(isDue()).toBe(true)
  })

  it('is published when the session ends before the Will Delay Interval [MQTT-3.1.2-8]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const delayed = { ...will(topic), properties: { willDelayInterval: 600 } }
    const client = await broker.connect({ properties: { sessionExpiryInterval: 1 }, will: delayed })
    await client.vanish()
    await watcher.message({ topic, payload: 'will' })
  })

  it('is published at once when the session ends with the connection, with any delay [MQTT-3.1.2-8]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const client = await broker.connect({ will: { ...will(topic), properties: { willDelayInterval: 600 } } })
    await client.vanish()
    await watcher.message({ topic, payload: 'will' })
  })

  it('is deleted by DISCONNECT with 0x00 [MQTT-3.1.2-8, MQTT-3.1.2-10, MQTT-3.14.4-3]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const clientId = unique()
    const connect = { clientId, properties: { sessionExpiryInterval: 600 } }
    const client = await broker.connect({ ...connect, will: will(topic) })
    await client.disconnect()
    // A connection without a Will of its own, on the same session, ends the hard way: the Will is there no more.
    const next = await broker.connect({ ...connect, clean: false })
    await next.vanish()
    await broker.connect({ ...connect, clean: true })
    await watcher.expectNothing()
  })

  it('is deleted once it has been published [MQTT-3.1.2-10]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const connect = { clientId, properties: { sessionExpiryInterval: 600 } }
    const watcher = await watch(topic)
    const client = await broker.connect({ ...connect, will: will(topic) })
    await client.vanish()
    await watcher.message({ topic, payload: 'will' })
    // It is not published again with the end of the session, whose Session State knew it.
    await broker.connect({ ...connect, clean: true })
    await watcher.expectNothing()
  })

  it(
    'that comes with the next connection takes the place of one that waited, and waits for the end of that [MQTT-3.1.3-9]',
    withinRealTime,
    async () => {
      const [clientId, topic, markerTopic] = [unique(), unique(), unique()]
      const watcher = await watch(topic)
      await watcher.subscribe(markerTopic)
      const delayed = (name: string, payload: string, willDelayInterval: number) => ({
        properties: { sessionExpiryInterval: 600 },
        will: { ...will(name, payload), properties: { willDelayInterval } },
      })
      const client = await broker.connect({ clientId, ...delayed(topic, 'first', 1) })
      await client.vanish()
      const back = await broker.connect({ clientId, clean: false, ...delayed(topic, 'second', 1) })
      await (await broker.connect(delayed(markerTopic, 'marker', 2))).vanish()
      await watcher.message({ payload: 'marker' })
      await watcher.expectNothing()
      await back.vanish()
      await watcher.message({ payload: 'second' })
    },
  )

  it('is not sent when the client is back before the Will Delay Interval has passed [MQTT-3.1.2-8, MQTT-3.1.3-9]', async () => {
    const [topic, markerTopic] = [unique(), unique()]
    const watcher = await watch(topic)
    await watcher.subscribe(markerTopic)
    const clientId = unique()
    const connect = { clientId, properties: { sessionExpiryInterval: 600 } }
    const client = await broker.connect({
      ...connect,
      will: { ...will(topic), properties: { willDelayInterval: 1 } },
    })
    await client.vanish()
    // Another Will with the same delay, of a client that breaks later and does not come back, tells the time.
    const marker = await broker.connect({
      properties: { sessionExpiryInterval: 600 },
      will: { ...will(markerTopic, 'marker'), properties: { willDelayInterval: 2 } },
    })
    const back = await broker.connect({ ...connect, clean: false })
    await marker.vanish()
    await watcher.message({ topic: markerTopic, payload: 'marker' })
    await back.expectNothing()
    await watcher.expectNothing()
  })

  it.each([0, 1, 2] as const)('has the QoS %i of CONNECT [MQTT-3.1.2-12]', async (qos) => {
    const topic = unique()
    const watcher = await watch(topic)
    const client = await broker.connect({ will: { ...will(topic), qos } })
    await client.vanish()
    await watcher.message({ topic, qos })
  })

  it('is not retained when Will Retain is 0, and a message retained before stays [MQTT-3.1.2-14]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const client = await broker.connect({ will: will(topic) })
    await client.publish(topic, 'before', { retain: true })
    await watcher.message({ payload: 'before' })
    await client.vanish()
    await watcher.message({ payload: 'will', retain: false })
    const late = await watch(topic)
    await late.message({ payload: 'before', retain: true })
  })

  it('is retained when Will Retain is 1 [MQTT-3.1.2-15]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const client = await broker.connect({ will: { ...will(topic), retain: true } })
    await client.vanish()
    await watcher.message({ payload: 'will', retain: true })
    const late = await watch(topic)
    await late.message({ payload: 'will', retain: true })
  })

  it('that is empty and has Will Retain 1 clears the retained message [MQTT-3.1.2-15]', async () => {
    const topic = unique()
    const client = await broker.connect({ will: { ...will(topic, ''), retain: true } })
    await client.publish(topic, 'before', { retain: true })
    const watcher = await watch(topic)
    await watcher.message({ payload: 'before' })
    await client.vanish()
    await watcher.message({ payload: '' })
    const late = await watch(topic)
    await late.expectNothing()
  })
})
