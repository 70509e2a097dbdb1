import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

const SESSION = { sessionExpiryInterval: 600 }
const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const TOPIC_NAME_INVALID = 0x90
const TOPIC_ALIAS_INVALID = 0x94

describe.concurrent('3.3 PUBLISH: Topic Name and properties', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(...reasonCodes)
  }

  it.each([
    ['is missing', '30 00'],
    ['is cut off', "30 @ 0005 'abc'"],
    ['is ill-formed', '30 @ <61c3> []'],
  ])('a PUBLISH whose Topic Name %s is refused [MQTT-3.3.2-1]', async (_, packet) => {
    await refused(packet, MALFORMED)
  })

  it.each(['#', '+', 'a/#', 'a/+/b', 'a+', 'a#b'])('a PUBLISH to %s is refused [MQTT-3.3.2-2]', async (topic) => {
    await refused(`30 @ "${topic}" [] 78`, TOPIC_NAME_INVALID)
  })

  it('a message is delivered under the topic it was published to, to filters that match it only [MQTT-3.3.2-3]', async () => {
    const [topic, a] = [unique(), unique()]
    const client = await broker.connect()
    const filters = [`${topic}/+`, `${topic}/${a}/#`, `+/${a}`, `${topic}/b`, `${topic}/${a}/b`]
    for (const [index, filter] of filters.entries()) await client.subscribe(filter, { identifier: index + 1 })
    await client.publish(`${topic}/${a}`, 'x')
    const packets = await client.untilPing()
    for (const packet of packets) expect(packet.topic).toBe(`${topic}/${a}`)
    const identifiers = packets.flatMap(({ properties }) => properties.subscriptionIdentifier)
    expect(identifiers.sort()).toEqual([1, 2, 3])
  })

  it.each([true, false, undefined])(
    'Payload Format Indicator %s is delivered unaltered [MQTT-3.3.2-4]',
    async (value) => {
      const topic = unique()
      const client = await broker.connect()
      await client.subscribe(topic)
      const properties = value === undefined ? {} : { payloadFormatIndicator: value }
      await client.publish(topic, 'x', { properties })
      expect((await client.message()).properties).toEqual(properties)
    },
  )

  it('a message whose Message Expiry Interval has passed is not delivered, nor sent as retained [MQTT-3.3.2-5]', async () => {
    const [clientId, topic, clock] = [unique(), unique(), unique()]
    const client = await broker.connect({ clientId, properties: SESSION })
    await client.subscribe(topic, { qos: 1 })
    await client.disconnect()
    const publisher = await broker.connect()
    await publisher.subscribe(clock)
    await publisher.publish(topic, 'expires', { properties: { messageExpiryInterval: 1 } })
    await publisher.publish(topic, 'stays', { properties: { messageExpiryInterval: 600 } })
    await publisher.publish(`${topic}/retained`, 'expires', { retain: true, properties: { messageExpiryInterval: 1 } })
    await passSeconds(2, clock)
    await publisher.message({ topic: clock })
    const back = await broker.connect({ clientId, clean: false })
    await back.message({ payload: 'stays' })
    await back.subscribe(`${topic}/retained`)
    await back.expectNothing()
  })

  it('a message that waited has a Message Expiry Interval less by the seconds it waited [MQTT-3.3.2-6]', async () => {
    const [clientId, topic, clock] = [unique(), unique(), unique()]
    const client = await broker.connect({ clientId, properties: SESSION })
    await client.subscribe(topic, { qos: 1 })
    await client.disconnect()
    const publisher = await broker.connect()
    await publisher.subscribe(topic)
    await publisher.subscribe(clock)
    const properties = { messageExpiryInterval: 100 }
    const retain = true
    await publisher.publish(topic, 'x', { properties, retain })
    expect((await publisher.message({ topic })).properties.messageExpiryInterval).toBeGreaterThanOrEqual(99)
    await passSeconds(2, clock)
    await publisher.message({ topic: clock })
    const back = await broker.connect({ clientId, clean: false })
    const queued = await back.message({ payload: 'x', retain: false })
    await back.subscribe(topic)
    const kept = await back.message({ payload: 'x', retain: true })
    for (const { messageExpiryInterval } of [queued.properties, kept.properties]) {
      expect(messageExpiryInterval).toBeGreaterThanOrEqual(90)
      expect(messageExpiryInterval).toBeLessThanOrEqual(98)
    }
  })

  /** A Will that is published after so long is the clock of the broker. */
  const passSeconds = async (seconds: number, topic: string): Promise<void> => {
    const client = await broker.connect({
      properties: SESSION,
      will: { topic, payload: 'now', qos: 0, retain: false, properties: { willDelayInterval: seconds } },
    })
    await client.vanish()
  }

  it('a Topic Alias stands for the topic it came with, until it comes with another', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(`${topic}/#`)
    client.send(
      `30 @ "${topic}/a" [23 0001] 31`,
      '30 @ "" [23 0001] 32',
      `30 @ "${topic}/b" [23 0001] 33`,
      '30 @ "" [23 0001] 34',
    )
    const packets = await client.untilPing()
    expect(packets.map((packet) => packet.topic)).toEqual(['a', 'a', 'b', 'b'].map((name) => `${topic}/${name}`))
    // The alias is between this client and the broker; it is not delivered.
    for (const packet of packets) expect(packet.properties).toEqual({})
  })

  it('a Topic Alias does not outlive the connection [MQTT-3.3.2-7]', async () => {
    const clientId = unique()
    const client = await broker.connect({ clientId, properties: SESSION })
    await client.publish(unique(), 'x', { properties: { topicAlias: 1 } })
    await client.disconnect()
    const back = await broker.connect({ clientId, properties: SESSION, clean: false })
    expect(back.connack?.sessionPresent).toBe(true)
    back.send('30 @ "" [23 0001] 78')
    await back.expectDisconnect(PROTOCOL_ERROR, TOPIC_ALIAS_INVALID)
  })

  it('a Topic Alias of the broker does not outlive the connection [MQTT-3.3.2-7]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { ...SESSION, topicAliasMaximum: 5 }
    const publisher = await broker.connect()
    for (let n = 0; n < 2; n += 1) {
      const client = await broker.connect({ clientId, properties, clean: n === 0 })
      await client.subscribe(topic, { qos: 1 })
      for (let m = 0; m < 10; m += 1) await publisher.publish(topic, 'x')
      const first = await client.message()
      expect(first.topic).toBe(topic)
      await client.disconnect()
    }
  })

  it('the aliases of one connection do not apply to another [MQTT-3.3.2-7]', async () => {
    const client = await broker.connect()
    await client.publish(unique(), 'x', { properties: { topicAlias: 1 } })
    await refused('30 @ "" [23 0001] 78', PROTOCOL_ERROR, TOPIC_ALIAS_INVALID)
  })

  it('Topic Alias 0 is refused [MQTT-3.3.2-8]', async () => {
    await refused('30 @ "a" [23 0000] 78', TOPIC_ALIAS_INVALID)
  })

  it('a Topic Alias over the maximum of the broker is refused, and every Topic Alias if the maximum is 0 [MQTT-3.2.2-17, MQTT-3.3.2-9]', async () => {
    const client = await broker.connect()
    const maximum = client.connack?.properties.topicAliasMaximum ?? 0
    client.send(`30 @ "a" [23 ${(maximum + 1).toString(16).padStart(4, '0')}] 78`)
    await client.expectDisconnect(TOPIC_ALIAS_INVALID)
  })

  it.skipIf(isOtherBroker)(
    'a broker without a Topic Alias Maximum refuses every Topic Alias [MQTT-3.2.2-18]',
    async () => {
      const strict = await startConformanceBroker({ handler: { topicAliasMaximum: 0 } })
      const client = await strict.connect()
      expect(client.connack?.properties.topicAliasMaximum ?? 0).toBe(0)
      client.send('30 @ "a" [23 0001] 78')
      await client.expectDisconnect(TOPIC_ALIAS_INVALID)
      await strict.stop()
    },
  )

  it('every Topic Alias from 1 to the maximum of the broker is accepted [MQTT-3.3.2-12]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(`${topic}/#`)
    const maximum = client.connack!.properties.topicAliasMaximum!
    expect(maximum).toBeGreaterThan(0)
    for (let alias = 1; alias <= maximum; alias += 1) {
      client.sendPublish(`${topic}/${alias}`, 'x', { properties: { topicAlias: alias } })
    }
    for (let alias = 1; alias <= maximum; alias += 1) client.sendPublish('', 'y', { properties: { topicAlias: alias } })
    const received = (await client.untilPing()).map((packet) => packet.topic)
    const expected = Array.from({ length: maximum }, (_, index) => `${topic}/${index + 1}`)
    expect(received).toEqual([...expected, ...expected])
  })

  it('a Response Topic that is not UTF-8 is refused [MQTT-3.3.2-13]', async () => {
    await refused('30 @ "a" [08 <62ff>] 78', MALFORMED)
  })

  it.each(['a/#', '+'])('the Response Topic %s is refused [MQTT-3.3.2-14]', async (topic) => {
    await refused(`30 @ "a" [08 "${topic}"] 78`, TOPIC_NAME_INVALID, PROTOCOL_ERROR)
  })

  it('a Content Type that is not UTF-8 is refused [MQTT-3.3.2-19]', async () => {
    await refused('30 @ "a" [03 <62ff>] 78', MALFORMED)
  })

  it.each([
    ['Response Topic [MQTT-3.3.2-15]', '08 "answers/é/to"'],
    ['Correlation Data, of any bytes [MQTT-3.3.2-16]', '09 <00ff0102>'],
    ['Correlation Data that is empty [MQTT-3.3.2-16]', '09 <>'],
    ['Content Type [MQTT-3.3.2-20]', '03 "text/plain; charset=utf-8"'],
    ['Content Type that is empty [MQTT-3.3.2-20]', '03 ""'],
    [
      'User Properties, in their order [MQTT-3.3.2-17, MQTT-3.3.2-18]',
      '26 "b" "1" 26 "a" "2" 26 "b" "1" 26 "" "" 26 "a" ""',
    ],
  ])('%s: delivered unaltered to all, at once, from the queue and as retained', async (_, property) => {
    const [clientId, topic] = [unique(), unique()]
    const away = await broker.connect({ clientId, properties: SESSION })
    await away.subscribe(topic, { qos: 1 })
    await away.disconnect()
    const [first, second] = [await broker.connect(), await broker.connect()]
    await first.subscribe(topic, { qos: 1 })
    await second.subscribe(`${topic}/#`, { qos: 0 })
    first.send(`33 @ "${topic}" 0001 [${property}] 78`)
    await first.take('puback')
    const expected = packetBytes(`[${property}] 78`).toString('hex')
    const back = await broker.connect({ clientId, clean: false })
    const late = await broker.connect()
    await late.subscribe(topic)
    for (const client of [first, second, back, late]) expect((await client.message()).hex.endsWith(expected)).toBe(true)
  })

  it('all properties together are delivered unaltered', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic)
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Buffer.from('1'),
      userProperties: { k: ['v', 'w'] },
    }
    await client.publish(topic, 'x', { properties })
    expect((await client.message()).properties).toEqual(properties)
  })

  it.each([
    ['a property twice', '30 @ "a" [03 "x" 03 "x"] 78', PROTOCOL_ERROR],
    ['Payload Format Indicator 2', '30 @ "a" [01 02] 78', PROTOCOL_ERROR],
    ['two Topic Aliases', '30 @ "a" [23 0001 23 0001] 78', PROTOCOL_ERROR],
    ['neither Topic Name nor Topic Alias', '30 @ "" [] 78', PROTOCOL_ERROR],
    ['a property of another packet', '30 @ "a" [1f "reason"] 78', MALFORMED],
    ['Properties past its end', '30 @ "a" 05 01 00', MALFORMED],
  ])('a PUBLISH with %s is refused', async (_, packet, code) => {
    await refused(packet, code)
  })
})
