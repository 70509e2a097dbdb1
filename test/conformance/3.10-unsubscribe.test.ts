import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82

describe.concurrent('3.10 UNSUBSCRIBE and 3.11 UNSUBACK', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(...reasonCodes)
  }

  it.each(['a0', 'a1', 'a3', 'a6', 'aa'])(
    'UNSUBSCRIBE with the first byte %s closes the connection [MQTT-3.10.1-1]',
    async (byte) => {
      await refused(`${byte} @ 0001 [] "a"`, MALFORMED)
    },
  )

  it('a Topic Filter that is not UTF-8 is refused [MQTT-3.10.3-1]', async () => {
    await refused('a2 @ 0001 [] <61ff>', MALFORMED)
  })

  it('UNSUBSCRIBE without a Topic Filter is refused [MQTT-3.10.3-2]', async () => {
    await refused('a2 @ 0001 []', PROTOCOL_ERROR)
  })

  it('compares filters character by character: a different filter that matches the same topics stays [MQTT-3.10.4-1]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(`${topic}/a`)
    for (const filter of [`${topic}/+`, `${topic}/#`, `${topic}/A`, `${topic}/a/`, '#']) {
      expect((await client.unsubscribe(filter)).granted).toEqual([0x11])
    }
    await client.publish(`${topic}/a`, 'x')
    await client.message({ payload: 'x' })
    expect((await client.unsubscribe(`${topic}/a`)).granted).toEqual([0])
    await client.publish(`${topic}/a`, 'y')
    await client.expectNothing()
  })

  it('ends a subscription with wildcards, and a shared one, by its own name [MQTT-3.10.4-1]', async () => {
    const topic = unique()
    const client = await broker.connect()
    const share = `$share/${unique()}/${topic}/+`
    for (const filter of [`${topic}/+/#`, share]) await client.subscribe(filter)
    expect((await client.unsubscribe(`${topic}/+`, `${topic}/+/#`, share)).granted).toEqual([0x11, 0, 0])
    await client.publish(`${topic}/a`, 'x')
    await client.expectNothing()
  })

  it('no new messages are delivered after it [MQTT-3.10.4-2]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 1 } })
    await client.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    await publisher.publish(topic, 'before')
    await client.message({ payload: 'before' })
    await client.unsubscribe(topic)
    for (const qos of [0, 1, 2] as const) await publisher.publish(topic, 'after', { qos })
    await client.expectNothing()
  })

  it('messages that it had begun to send are completed [MQTT-3.10.4-3]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    await publisher.publish(topic, 'one', { qos: 1 })
    await publisher.publish(topic, 'two', { qos: 2 })
    await publisher.publish(topic, 'three', { qos: 2 })
    const [one, two, three] = [await client.take('publish'), await client.take('publish'), await client.take('publish')]
    await client.unsubscribe(topic)
    client.send({ cmd: 'pubrec', messageId: two.messageId! })
    await client.expect({ cmd: 'pubrel', messageId: two.messageId })
    client.send({ cmd: 'pubcomp', messageId: two.messageId! })
    // Those not acknowledged are sent again on the next connection, too.
    await client.vanish()
    const back = await broker.connect({ clientId, properties, clean: false })
    await back.message({ payload: 'one', messageId: one.messageId, dup: true })
    await back.message({ payload: 'three', messageId: three.messageId, dup: true })
    await back.expectNothing()
  })

  it('is answered with UNSUBACK of the same Packet Identifier, though nothing was subscribed [MQTT-3.10.4-4, MQTT-3.10.4-5]', async () => {
    const client = await broker.connect()
    for (const messageId of [65_535, 1]) {
      client.send({ cmd: 'unsubscribe', messageId, unsubscriptions: [unique()] })
      await client.expect({ cmd: 'unsuback', messageId, granted: [0x11] })
    }
  })

  it('with several Topic Filters counts as several, with one UNSUBACK whose Reason Codes are in their order [MQTT-3.10.4-6, MQTT-3.11.3-1, MQTT-3.11.3-2]', async () => {
    const topic = unique()
    const client = await broker.connect()
    for (const name of ['a', 'b', 'c']) await client.subscribe(`${topic}/${name}`)
    const filters = ['b', 'none', 'a', 'b'].map((name) => `${topic}/${name}`)
    expect((await client.unsubscribe(...filters)).granted).toEqual([0, 0x11, 0, 0x11])
    for (const name of ['a', 'b', 'c']) await client.publish(`${topic}/${name}`, name)
    expect((await client.untilPing()).map(({ payload }) => payload)).toEqual(['c'])
  })

  it('no Reason String and User Property makes UNSUBACK larger than the client accepts [MQTT-3.11.2-1, MQTT-3.11.2-2]', async () => {
    const { connack } = await broker.connect({ properties: { maximumPacketSize: 1_000 } })
    const client = await broker.connect({ properties: { maximumPacketSize: connack!.size } })
    client.send(`a2 @ 0001 [26 "k" "v"] "${unique()}"`)
    expect((await client.expect({ cmd: 'unsuback', messageId: 1 })).size).toBeLessThanOrEqual(connack!.size)
  })

  it('a client that accepts no UNSUBACK of this size is disconnected with the reason, and keeps its subscriptions [MQTT-3.1.2-24]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { maximumPacketSize: 100, sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties })
    await client.subscribe(topic)
    const fitting = 100 - (1 + 1 + 2 + 1)
    const unsubscribe = (count: number) => `a2 @ 0001 [] ${`"${topic}"`.repeat(count)}`
    client.send(unsubscribe(fitting + 1))
    await client.expectDisconnect(0x95)
    const back = await broker.connect({ clientId, clean: false, properties })
    back.sendPublish(topic, 'x')
    await back.message({ payload: 'x' })
    back.send(unsubscribe(fitting))
    expect((await back.expect({ cmd: 'unsuback', messageId: 1 })).size).toBe(100)
    back.sendPublish(topic, 'x')
    await back.expectNothing()
  })

  it.each([
    ['with a Subscription Identifier', 'a2 @ 0001 [0b 01] "a"', MALFORMED],
    ['with bytes after its filters', 'a2 @ 0001 [] "a" 00', MALFORMED],
    ['from an empty filter', 'a2 @ 0001 [] ""', 0x8f],
    ['from a filter that continues after #', 'a2 @ 0001 [] "#/a"', 0x8f],
  ])('UNSUBSCRIBE %s is refused', async (_, packet, code) => {
    await refused(packet, code, MALFORMED)
  })
})
