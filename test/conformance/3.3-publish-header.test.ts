import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'

const SESSION = { sessionExpiryInterval: 600 }

describe.concurrent('3.3 PUBLISH: DUP, QoS and RETAIN', () => {
  const broker = conformanceBroker()
  const retained = async (topic: string, filter = topic): Promise<(string | undefined)[]> => {
    const client = await broker.connect()
    await client.subscribe(filter, { qos: 2 })
    return (await client.untilPing()).map(({ payload }) => payload)
  }
  const payloads = async (client: ConformanceClient): Promise<(string | undefined)[]> =>
    (await client.untilPing()).map(({ payload }) => payload)

  it.each([1, 2] as const)('a PUBLISH at QoS %i that is sent again has DUP 1 [MQTT-3.3.1-1]', async (qos) => {
    const [clientId, topic] = [unique(), unique()]
    const client = await broker.connect({ clientId, properties: SESSION })
    await client.subscribe(topic, { qos })
    await (await broker.connect()).publish(topic, 'x', { qos })
    const { messageId } = await client.expect({ cmd: 'publish', dup: false, qos })
    await client.vanish()
    const back = await broker.connect({ clientId, properties: SESSION, clean: false })
    await back.expect({ cmd: 'publish', dup: true, qos, messageId, payload: 'x' })
  })

  it('a PUBLISH at QoS 0 with DUP 1 is refused [MQTT-3.3.1-2]', async () => {
    const client = await broker.connect()
    client.send('38 @ "a" [] 78')
    await client.expectDisconnect(0x81)
  })

  it('a message published with DUP 1 is delivered with DUP 0, at every QoS [MQTT-3.3.1-2, MQTT-3.3.1-3]', async () => {
    const topic = unique()
    const client = await broker.connect()
    for (const qos of [0, 1, 2] as const) {
      const subscriber = await broker.connect()
      await subscriber.subscribe(topic, { qos })
      client.send(`3a @ "${topic}" 0001 [] 78`, `3c @ "${topic}" 0002 [] 79`, '62 @ 0002')
      await client.take('pubcomp')
      await subscriber.message({ payload: 'x', dup: false, qos: Math.min(qos, 1) })
      await subscriber.message({ payload: 'y', dup: false, qos })
    }
  })

  it('a message sent again has DUP 1 though it was published with DUP 0 [MQTT-3.3.1-3]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const client = await broker.connect({ clientId, properties: SESSION })
    await client.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    await publisher.publish(topic, 'sent')
    await client.take('publish')
    await client.vanish()
    await publisher.publish(topic, 'never sent')
    const back = await broker.connect({ clientId, properties: SESSION, clean: false })
    await back.message({ payload: 'sent', dup: true })
    await back.message({ payload: 'never sent', dup: false })
  })

  it('a PUBLISH with both bits of QoS is refused [MQTT-3.3.1-4]', async () => {
    for (const packet of ['36 @ "a" 0001 [] 78', '3e @ "a" 0001 [] 78']) {
      const client = await broker.connect()
      client.send(packet)
      await client.expectDisconnect(0x81)
    }
  })

  it.each([0, 1, 2] as const)(
    'a retained message at QoS %i is kept for those who subscribe later, the last one only [MQTT-3.3.1-5]',
    async (qos) => {
      const topic = unique()
      const client = await broker.connect()
      await client.publish(topic, 'first', { qos, retain: true })
      await client.publish(topic, 'second', { qos, retain: true, properties: { contentType: 'text/plain' } })
      const late = await broker.connect()
      await late.subscribe(topic, { qos: 2 })
      const packet = await late.message({ payload: 'second', retain: true, qos })
      expect(packet.properties.contentType).toBe('text/plain')
      await late.expectNothing()
    },
  )

  it('a retained message is delivered to present subscribers as any other [MQTT-3.3.1-5]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic)
    await client.publish(topic, 'x', { retain: true })
    await client.message({ payload: 'x', retain: false })
  })

  it('an empty retained message is delivered, and removes the retained one [MQTT-3.3.1-6, MQTT-3.3.1-7]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, 'x', { retain: true })
    await client.subscribe(topic, { rap: true })
    await client.message({ payload: 'x', retain: true })
    await client.publish(topic, '', { retain: true })
    await client.message({ payload: '', retain: true })
    expect(await retained(topic)).toEqual([])
    expect(await retained(topic, `${topic}/#`)).toEqual([])
  })

  it('an empty retained message on a topic without one is not kept [MQTT-3.3.1-7]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, '', { retain: true, properties: { contentType: 'empty' } })
    expect(await retained(topic)).toEqual([])
  })

  it('a message without RETAIN neither is retained nor removes what is [MQTT-3.3.1-8]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, 'not retained')
    expect(await retained(topic)).toEqual([])
    await client.publish(topic, 'kept', { retain: true })
    await client.publish(topic, 'not retained')
    await client.publish(topic, '')
    expect(await retained(topic)).toEqual(['kept'])
  })

  it('Retain Handling 0 sends all retained messages that match, each time [MQTT-3.3.1-9]', async () => {
    const topic = unique()
    const client = await broker.connect()
    for (const name of ['a', 'a/b', 'b']) await client.publish(`${topic}/${name}`, name, { retain: true })
    for (const [filter, expected] of [
      [`${topic}/#`, ['a', 'a/b', 'b']],
      [`${topic}/+`, ['a', 'b']],
      [`${topic}/a/#`, ['a', 'a/b']],
      [`+/a/b`, ['a/b']],
      [`${topic}/c`, []],
    ] as const) {
      for (let n = 0; n < 2; n += 1) {
        await client.subscribe(filter, { rh: 0 })
        const received = (await client.untilPing()).filter((packet) => packet.topic?.startsWith(topic))
        expect(received.map(({ payload }) => payload).sort()).toEqual(expected)
        for (const packet of received)
          expect(packet).toMatchObject({ retain: true, topic: `${topic}/${packet.payload}` })
      }
    }
  })

  it('Retain Handling 1 sends them for a new subscription only [MQTT-3.3.1-10]', async () => {
    const topic = unique()
    const clientId = unique()
    const client = await broker.connect({ clientId, properties: SESSION })
    for (const name of ['a', 'b']) await client.publish(`${topic}/${name}`, name, { retain: true })
    await client.subscribe(`${topic}/#`, { rh: 1 })
    expect(await payloads(client)).toEqual(expect.arrayContaining(['a', 'b']))
    await client.subscribe(`${topic}/#`, { rh: 1, qos: 1 })
    expect(await payloads(client)).toEqual([])
    // Another filter is another subscription.
    await client.subscribe(`${topic}/+`, { rh: 1 })
    expect(await payloads(client)).toHaveLength(2)
    await client.unsubscribe(`${topic}/#`)
    await client.subscribe(`${topic}/#`, { rh: 1 })
    expect(await payloads(client)).toHaveLength(2)
    // The subscription is part of the session.
    await client.disconnect()
    const back = await broker.connect({ clientId, clean: false })
    await back.subscribe(`${topic}/#`, { rh: 1 })
    expect(await payloads(back)).toEqual([])
  })

  it('Retain Handling 2 sends none [MQTT-3.3.1-11]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, 'x', { retain: true })
    await client.subscribe(topic, { rh: 2 })
    await client.expectNothing()
    await client.subscribe(`${topic}/#`, { rh: 2 })
    await client.expectNothing()
  })

  it('without Retain As Published RETAIN is 0, with it as published [MQTT-3.3.1-12, MQTT-3.3.1-13]', async () => {
    const topic = unique()
    const [client, plain, asPublished] = [await broker.connect(), await broker.connect(), await broker.connect()]
    await plain.subscribe(topic, { qos: 2, rap: false })
    await asPublished.subscribe(topic, { qos: 2, rap: true })
    for (const qos of [0, 1, 2] as const) {
      for (const retain of [true, false]) {
        await client.publish(topic, 'x', { qos, retain })
        await plain.message({ qos, retain: false })
        await asPublished.message({ qos, retain })
      }
    }
  })

  it('a retained message sent for a new subscription has RETAIN 1, with any Retain As Published', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, 'x', { retain: true })
    for (const rap of [true, false]) {
      await client.subscribe(topic, { rap })
      await client.message({ retain: true })
    }
  })
})
