import { expect, it } from 'vitest'
import { withinRealTime } from '../helpers/eventually.ts'
import { persistent, realBroker } from '../helpers/real-broker.ts'

/** What MQTT 5.0 has more, as mqtt.js uses it. */
const { connect } = realBroker({ responseInformation: 'answers/%c' })

it('request and response: topic, correlation data and the information where to answer', async () => {
  const requester = await connect(5, { clientId: 'requester', properties: { requestResponseInformation: true } })
  const answers = requester.connack.properties?.responseInformation
  expect(answers).toBe('answers/requester')
  const responder = await connect(5)
  await responder.mqtt.subscribeAsync('requests', { qos: 1 })
  await requester.mqtt.subscribeAsync(answers!, { qos: 1 })
  const correlationData = Buffer.from([0, 255, 1])
  await requester.mqtt.publishAsync('requests', 'how much?', {
    qos: 1,
    properties: { responseTopic: answers!, correlationData },
  })
  const request = await responder.next()
  await responder.mqtt.publishAsync(request.properties.responseTopic!, '42', {
    qos: 1,
    properties: { correlationData: request.properties.correlationData! },
  })
  const response = await requester.next()
  expect(response).toMatchObject({ topic: answers, payload: '42' })
  expect(response.properties.correlationData?.equals(correlationData)).toBe(true)
})

it('a Client Identifier stands in Response Information as it is', async () => {
  const clientId = "a$&b$'c$$"
  const { connack } = await connect(5, { clientId, properties: { requestResponseInformation: true } })
  expect(connack.properties?.responseInformation).toBe(`answers/${clientId}`)
})

it('all properties of a message arrive, User Properties in their order', async () => {
  const [publisher, subscriber] = await Promise.all([connect(5), connect(5)])
  await subscriber.mqtt.subscribeAsync('properties', { qos: 1 })
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    userProperties: { b: ['3', '1', '2'], a: 'x' },
  }
  await publisher.mqtt.publishAsync('properties', 'x', { qos: 1, properties })
  expect((await subscriber.next()).properties).toMatchObject(properties)
  // A client of MQTT 3.1.1 gets the message without them.
  const old = await connect(4)
  await old.mqtt.subscribeAsync('properties')
  await publisher.mqtt.publishAsync('properties', 'y', { qos: 1, properties })
  expect(await old.next()).toMatchObject({ payload: 'y', properties: {} })
})

it('Topic Aliases work both ways', async () => {
  const publisher = await connect(5, { autoAssignTopicAlias: true })
  const subscriber = await connect(5, { properties: { topicAliasMaximum: 2 } })
  await subscriber.mqtt.subscribeAsync('alias/#')
  const aliases: number[] = []
  subscriber.mqtt.on('packetreceive', (packet) => {
    if (packet.cmd === 'publish') aliases.push(packet.properties?.topicAlias ?? 0)
  })
  const topics = ['a', 'b', 'c'].flatMap((name) => Array<string>(6).fill(`alias/${name}`))
  for (const topic of topics) await publisher.mqtt.publishAsync(topic, 'x', { qos: 1 })
  expect((await subscriber.take(topics.length)).map(({ topic }) => topic)).toEqual(topics)
  expect(new Set(aliases)).toEqual(new Set([0, 1, 2]))
})

it('Subscription Identifiers of all matching subscriptions come with one copy', async () => {
  const [publisher, subscriber] = await Promise.all([connect(5), connect(5)])
  await subscriber.mqtt.subscribeAsync('ids/+', { qos: 0, properties: { subscriptionIdentifier: 7 } })
  await subscriber.mqtt.subscribeAsync('ids/#', { qos: 1, properties: { subscriptionIdentifier: 268_435_455 } })
  await publisher.mqtt.publishAsync('ids/a', 'x', { qos: 2 })
  const message = await subscriber.next()
  expect(message.qos).toBe(1)
  expect(new Set([message.properties.subscriptionIdentifier].flat())).toEqual(new Set([7, 268_435_455]))
  expect(await subscriber.payloads()).toEqual([])
})

it('No Local, Retain As Published and Retain Handling', async () => {
  const client = await connect(5)
  const other = await connect(5)
  await other.mqtt.publishAsync('options/old', 'old', { qos: 1, retain: true })
  await client.mqtt.subscribeAsync('options/#', { qos: 1, nl: true, rap: true, rh: 2 })
  await client.mqtt.publishAsync('options/own', 'own', { qos: 1 })
  await other.mqtt.publishAsync('options/new', 'new', { qos: 1, retain: true })
  expect(await client.next()).toMatchObject({ payload: 'new', retain: true })
  expect(await client.payloads()).toEqual([])
  await client.mqtt.subscribeAsync('options/#', { qos: 1, rh: 1 })
  expect(await client.payloads()).toEqual([])
  await client.mqtt.subscribeAsync('options/#', { qos: 1, rh: 0 })
  expect((await client.payloads()).sort()).toEqual(['new', 'old'])
})

it('a message that expires is not delivered to a session that comes late, and what is left is counted down', async () => {
  const options = persistent('late')
  const first = await connect(5, options)
  await first.mqtt.subscribeAsync('expiry', { qos: 1 })
  await first.end()
  const publisher = await connect(5)
  await publisher.mqtt.publishAsync('expiry', 'short', { qos: 1, properties: { messageExpiryInterval: 1 } })
  await publisher.mqtt.publishAsync('expiry', 'long', { qos: 1, properties: { messageExpiryInterval: 100 } })
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const again = await connect(5, options)
  const message = await again.next()
  expect(message.payload).toBe('long')
  expect(message.properties.messageExpiryInterval).toBeLessThan(100)
  expect(message.properties.messageExpiryInterval).toBeGreaterThan(90)
  expect(await again.payloads()).toEqual([])
})

it('a Will is not published if its client comes back within the Will Delay Interval', withinRealTime, async () => {
  const witness = await connect(5)
  await witness.mqtt.subscribeAsync('delayed/+', { qos: 1 })
  const will = (topic: string) => ({
    will: { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: { willDelayInterval: 1 } },
  })
  const returning = await connect(5, persistent('returning', will('delayed/returning')))
  const lost = await connect(5, persistent('lost', will('delayed/lost')))
  await Promise.all([returning.vanish(), lost.vanish()])
  await connect(5, persistent('returning'))
  expect(await witness.next()).toMatchObject({ topic: 'delayed/lost', payload: 'gone' })
  expect(await witness.payloads()).toEqual([])
})

it('reason codes: no subscriber, and a topic of the server', async () => {
  const client = await connect(5)
  const codes: unknown[] = []
  client.mqtt.on('packetreceive', (packet) => {
    if (packet.cmd === 'puback' || packet.cmd === 'pubrec') codes.push(packet.reasonCode)
  })
  await client.mqtt.publishAsync('nobody/listens', 'x', { qos: 1 })
  await expect(client.mqtt.publishAsync('$SYS/x', 'x', { qos: 1 })).rejects.toMatchObject({ code: 0x90 })
  expect(codes).toEqual([0x10, 0x90])
})

it('an identifier is assigned to a client that has none, and its session can be resumed with it', async () => {
  const first = await connect(5, { clientId: '', clean: true, properties: { sessionExpiryInterval: 60 } })
  const clientId = first.connack.properties!.assignedClientIdentifier!
  expect(clientId).not.toBe('')
  await first.end()
  expect((await connect(5, persistent(clientId))).connack.sessionPresent).toBe(true)
})

it('Receive Maximum and Maximum Packet Size of the client are kept to', async () => {
  const subscriber = await connect(5, { properties: { receiveMaximum: 3, maximumPacketSize: 200 } })
  await subscriber.mqtt.subscribeAsync('bounded', { qos: 2 })
  const publisher = await connect(5)
  await publisher.mqtt.publishAsync('bounded', 'x'.repeat(300), { qos: 1 })
  const sent = Array.from({ length: 20 }, (_, n) => `${n}`)
  await Promise.all(sent.map((payload) => publisher.mqtt.publishAsync('bounded', payload, { qos: 2 })))
  expect((await subscriber.take(20)).map(({ payload }) => payload)).toEqual(sent)
})

it('an unknown Authentication Method is refused with its reason code', async () => {
  const refused = connect(5, { properties: { authenticationMethod: 'none' } })
  await expect(refused).rejects.toMatchObject({ code: 0x8c })
})

it('DISCONNECT with the will, and with a longer life for the session', async () => {
  const witness = await connect(5)
  await witness.mqtt.subscribeAsync('goodbye', { qos: 1 })
  const will = { topic: 'goodbye', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
  const client = await connect(5, { clientId: 'leaves', clean: false, will, properties: { sessionExpiryInterval: 1 } })
  const closed = client.event('close')
  client.mqtt.end(false, { reasonCode: 0x04, properties: { sessionExpiryInterval: 60 } } as object)
  await closed
  expect(await witness.next()).toMatchObject({ payload: 'gone' })
  expect((await connect(5, persistent('leaves'))).connack.sessionPresent).toBe(true)
})
