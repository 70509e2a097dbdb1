import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const FILTER_INVALID = 0x8f
const TOO_LARGE = 0x95

describe.concurrent('3.8 SUBSCRIBE and 3.9 SUBACK', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(...reasonCodes)
  }

  it.each(['80', '81', '83', '86', '8a'])(
    'SUBSCRIBE with the first byte %s closes the connection [MQTT-3.8.1-1]',
    async (byte) => {
      await refused(`${byte} @ 0001 [] "a" 00`, MALFORMED)
    },
  )

  it('a Topic Filter that is not UTF-8 is refused [MQTT-3.8.3-1]', async () => {
    await refused('82 @ 0001 [] <61ff> 00', MALFORMED)
  })

  it('SUBSCRIBE without a Topic Filter is refused [MQTT-3.8.3-2]', async () => {
    await refused('82 @ 0001 []', PROTOCOL_ERROR)
  })

  it('a Topic Filter without its options is refused [MQTT-3.8.3-2]', async () => {
    await refused('82 @ 0001 [] "a"', MALFORMED)
  })

  it('No Local excludes only messages of the same Client Identifier [MQTT-3.8.3-3]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { nl: true, qos: 1 })
    const other = await broker.connect()
    for (const qos of [0, 1, 2] as const) {
      await client.publish(topic, 'own', { qos })
      await other.publish(topic, 'from another', { qos })
      await client.message({ payload: 'from another' })
      await client.expectNothing()
    }
    await client.subscribe(topic, { nl: false })
    await client.publish(topic, 'own')
    await client.message({ payload: 'own' })
  })

  it('No Local looks at the Client Identifier, though the connection is another [MQTT-3.8.3-3]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties })
    await client.subscribe(topic, { nl: true, qos: 1 })
    await client.disconnect()
    const back = await broker.connect({ clientId, properties, clean: false })
    await back.publish(topic, 'own')
    await back.expectNothing()
  })

  it('No Local on a Shared Subscription is refused [MQTT-3.8.3-4]', async () => {
    await refused('82 @ 0001 [] "$share/g/a" 04', PROTOCOL_ERROR)
  })

  it.each(['40', '80', 'c0'])('the reserved options %s are refused [MQTT-3.8.3-5]', async (options) => {
    await refused(`82 @ 0001 [] "a" ${options}`, MALFORMED)
  })

  it.each([
    ['for QoS 3', '82 @ 0001 [] "a" 03', PROTOCOL_ERROR],
    ['with Retain Handling 3', '82 @ 0001 [] "a" 30', PROTOCOL_ERROR],
    ['with Subscription Identifier 0', '82 @ 0001 [0b 00] "a" 00', PROTOCOL_ERROR],
    ['with two Subscription Identifiers', '82 @ 0001 [0b 01 0b 02] "a" 00', PROTOCOL_ERROR],
    ['with a property of another packet', '82 @ 0001 [1f "x"] "a" 00', MALFORMED],
    ['with half a second Topic Filter', '82 @ 0001 [] "a" 00 0005 \'b\'', MALFORMED],
  ])('SUBSCRIBE %s is refused', async (_, packet, code) => {
    await refused(packet, code)
  })

  it('is answered with SUBACK of the same Packet Identifier [MQTT-3.8.4-1, MQTT-3.8.4-2]', async () => {
    const client = await broker.connect()
    for (const messageId of [65_535, 1, 300]) {
      client.send({ cmd: 'subscribe', messageId, subscriptions: [{ topic: unique(), qos: 0 }] })
      await client.expect({ cmd: 'suback', messageId })
    }
  })

  it('replaces the subscription with the same Topic Filter, and with no other [MQTT-3.8.4-3]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 2, identifier: 1 })
    await client.subscribe(topic, { qos: 0, identifier: 2 })
    await client.publish(topic, 'x', { qos: 2 })
    const { properties } = await client.message({ qos: 0 })
    expect([properties.subscriptionIdentifier].flat()).toEqual([2])
    await client.expectNothing()
    // One UNSUBSCRIBE ends it.
    await client.unsubscribe(topic)
    await client.publish(topic, 'x', { qos: 2 })
    await client.expectNothing()
  })

  it('a Shared Subscription does not replace that which has the same filter without $share [MQTT-3.8.4-3]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { identifier: 1 })
    await client.subscribe(`$share/${unique()}/${topic}`, { identifier: 2 })
    await client.publish(topic, 'x', { qos: 0 })
    const packets = await client.untilPing()
    expect(packets.flatMap(({ properties }) => properties.subscriptionIdentifier).sort()).toEqual([1, 2])
  })

  it('replacing sends the retained messages again and loses none under way [MQTT-3.8.4-4]', async () => {
    const topic = unique()
    const client = await broker.connect()
    const publisher = await broker.connect()
    await publisher.publish(topic, 'kept', { retain: true })
    for (const qos of [1, 0, 2, 1] as const) {
      await client.subscribe(topic, { qos, rh: 0 })
      await client.message({ payload: 'kept', retain: true })
    }
    // Messages flow while the subscription is replaced repeatedly.
    for (let n = 0; n < 50; n += 1) {
      publisher.sendPublish(topic, `${n}`, { qos: 1 })
      if (n % 10 === 0) await publisher.take('puback')
      if (n < 20) client.send({ cmd: 'subscribe', messageId: n + 100, subscriptions: [{ topic, qos: 1, rh: 0 }] })
    }
    for (let n = 0; n < 20; n += 1) await client.take('suback')
    await publisher.untilPing()
    const live: (string | undefined)[] = []
    while (live.length < 50) {
      for (const { messageId, payload, retain } of await client.untilPing()) {
        if (messageId) client.send({ cmd: 'puback', messageId })
        if (!retain) live.push(payload)
      }
    }
    expect(live).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`))
  })

  it('with several Topic Filters counts as several SUBSCRIBEs with one SUBACK [MQTT-3.8.4-5, MQTT-3.8.4-6]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(`${topic}/a`, 'kept', { retain: true })
    // The same filter twice: the second replaces the first.
    client.send(`82 @ 0007 [] "${topic}/a" 02 "${topic}/b" 01 "${topic}/a" 00`)
    const suback = await client.take('suback')
    expect(suback).toMatchObject({ messageId: 7, granted: [2, 1, 0] })
    // What is retained is sent for the second, at its QoS, and maybe for the first before.
    const kept = await client.untilPing()
    expect([1, 2]).toContain(kept.length)
    expect(kept.at(-1)).toMatchObject({ payload: 'kept', retain: true, qos: 0 })
    await client.publish(`${topic}/a`, 'x', { qos: 2 })
    await client.message({ payload: 'x', qos: 0 })
    await client.publish(`${topic}/b`, 'y', { qos: 2 })
    await client.message({ payload: 'y', qos: 1 })
    await client.expectNothing()
  })

  it('grants the QoS asked for, filter by filter, in their order [MQTT-3.8.4-6, MQTT-3.8.4-7, MQTT-3.9.3-1, MQTT-3.9.3-2]', async () => {
    const client = await broker.connect()
    const options = ['00', '02', '01', '02', '00', '01', '01']
    client.send(`82 @ 0001 [] ${options.map((option) => `"${unique()}" ${option}`).join(' ')}`)
    await client.expect({ cmd: 'suback', granted: options.map(Number) })
  })

  it('messages come at the lower of both QoS, retained ones too [MQTT-3.8.4-8]', async () => {
    const topic = unique()
    const publisher = await broker.connect()
    for (const granted of [0, 1, 2] as const) {
      const client = await broker.connect()
      await client.subscribe(topic, { qos: granted })
      for (const qos of [0, 1, 2] as const) {
        await publisher.publish(topic, 'x', { qos })
        await client.message({ qos: Math.min(qos, granted) })
        await publisher.publish(`${topic}/${qos}`, 'kept', { qos, retain: true })
        await client.subscribe(`${topic}/${qos}`, { qos: granted })
        await client.message({ qos: Math.min(qos, granted), retain: true })
      }
    }
  })

  it('no Reason String and User Property makes SUBACK larger than the client accepts [MQTT-3.9.2-1, MQTT-3.9.2-2]', async () => {
    const { connack } = await broker.connect({ properties: { maximumPacketSize: 1_000 } })
    const client = await broker.connect({ properties: { maximumPacketSize: connack!.size } })
    client.send(`82 @ 0001 [26 "k" "v"] "${'a/'.repeat(300)}" 00`)
    expect((await client.expect({ cmd: 'suback', messageId: 1 })).size).toBeLessThanOrEqual(connack!.size)
  })

  it('a client that accepts no SUBACK of this size is disconnected with the reason, and nothing is subscribed [MQTT-3.1.2-24]', async () => {
    const clientId = unique()
    const properties = { maximumPacketSize: 200, sessionExpiryInterval: 600 }
    const topics = Array.from({ length: 200 }, unique)
    // Remaining Length takes two bytes; the Reason String that the refused one brings is left out.
    const fitting = 200 - (1 + 2 + 2 + 1)
    const subscribe = (count: number) =>
      `82 @ 0001 [] ${topics
        .slice(0, count - 1)
        .map((topic) => `"${topic}" 00`)
        .join(' ')} "${'a/'.repeat(300)}" 00`
    const client = await broker.connect({ clientId, properties })
    client.send(subscribe(fitting + 1), `30 @ "${topics[0]}" [] 78`)
    await client.expectDisconnect(TOO_LARGE)
    const back = await broker.connect({ clientId, clean: false, properties })
    expect(back.connack?.sessionPresent).toBe(true)
    for (const topic of topics) back.sendPublish(topic, 'x')
    await back.expectNothing()
    back.send(subscribe(fitting))
    const { size, granted } = await back.expect({ cmd: 'suback', messageId: 1 })
    expect([size, granted?.length]).toEqual([200, fitting])
    back.sendPublish(topics[0]!, 'x')
    await back.message({ topic: topics[0] })
  })

  it.each([
    ['an empty filter', '82 @ 0001 [] "" 00'],
    ['a filter that continues after #', '82 @ 0001 [] "a/#/b" 00'],
    ['a + that shares its level', '82 @ 0001 [] "a/b+" 00'],
    ['a $share without a filter', '82 @ 0001 [] "$share/g" 00'],
  ])('SUBSCRIBE to %s is refused', async (_, packet) => {
    await refused(packet, FILTER_INVALID, MALFORMED)
  })
})
