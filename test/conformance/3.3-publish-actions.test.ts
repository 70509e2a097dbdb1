import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'

const PROTOCOL_ERROR = 0x82

describe.concurrent('3.3.4 PUBLISH actions', () => {
  const broker = conformanceBroker()

  it('QoS 0 is answered with nothing, QoS 1 with PUBACK, QoS 2 with PUBREC [MQTT-3.3.4-1]', async () => {
    const client = await broker.connect()
    const topic = unique()
    client.send(`30 @ "${topic}" [] 78`)
    await client.expectNothing()
    client.send(`32 @ "${topic}" 0001 [] 78`)
    await client.expect({ cmd: 'puback', messageId: 1 })
    client.send(`34 @ "${topic}" 0002 [] 78`)
    await client.expect({ cmd: 'pubrec', messageId: 2 })
    await client.expectNothing()
  })

  it('reports whether there are subscribers: 0x10 if not, 0x00 if so', async () => {
    const client = await broker.connect()
    const topic = unique()
    for (const qos of [1, 2] as const) {
      expect(await client.publish(topic, 'x', { qos })).toMatchObject({ reasonCode: 0x10 })
    }
    await client.subscribe(topic)
    for (const qos of [1, 2] as const) {
      expect(await client.publish(topic, 'x', { qos })).toMatchObject({ reasonCode: 0 })
    }
  })

  it('overlapping subscriptions get the message at the highest QoS of them [MQTT-3.3.4-2]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(`${topic}/+`, { qos: 0 })
    await client.subscribe(`${topic}/#`, { qos: 2 })
    await client.subscribe(`${topic}/a`, { qos: 1 })
    const publisher = await broker.connect()
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(`${topic}/a`, `${qos}`, { qos })
      await client.message({ payload: `${qos}`, qos })
    }
    // This broker sends one copy.
    await client.expectNothing()
  })

  it('overlapping subscriptions: every Subscription Identifier is sent [MQTT-3.3.4-3, MQTT-3.3.4-4, MQTT-3.3.4-5]', async () => {
    const [topic, leaf] = [unique(), unique()]
    const client = await broker.connect()
    await client.subscribe(`${topic}/${leaf}`, { qos: 1, identifier: 1 })
    await client.subscribe(`${topic}/+`, { qos: 0, identifier: 268_435_455 })
    await client.subscribe(`${topic}/#`, { qos: 2, identifier: 128 })
    await client.subscribe(`+/${leaf}`, { qos: 1 })
    await client.subscribe(`${topic}/b`, { qos: 1, identifier: 77 })
    await client.publish(`${topic}/${leaf}`, 'x', { qos: 2 })
    const packets = [await client.message(), ...(await client.untilPing())].filter(({ cmd }) => cmd === 'publish')
    const identifiers = packets.flatMap(({ properties }) => properties.subscriptionIdentifier ?? [])
    expect(identifiers.sort((a, b) => a - b)).toEqual([1, 128, 268_435_455])
    // One copy at the highest QoS, or one for each subscription.
    expect([1, 4]).toContain(packets.length)
    expect(packets.map(({ qos }) => qos)).toContain(2)
  })

  it('a Subscription Identifier is sent with each message, retained ones too, and replaced with the subscription [MQTT-3.3.4-3]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, 'kept', { retain: true })
    for (const identifier of [1, 16_384, undefined]) {
      await client.subscribe(topic, identifier === undefined ? {} : { identifier })
      for (const payload of ['kept', 'new']) {
        if (payload === 'new') await client.publish(topic, payload)
        const { properties } = await client.message({ payload })
        expect([properties.subscriptionIdentifier].flat()).toEqual([identifier])
      }
    }
  })

  it('a Subscription Identifier is part of the session [MQTT-3.3.4-3]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const client = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
    await client.subscribe(topic, { qos: 1, identifier: 5 })
    await client.disconnect()
    const publisher = await broker.connect()
    await publisher.publish(topic, 'while away')
    const back = await broker.connect({ clientId, clean: false })
    await publisher.publish(topic, 'after')
    for (const payload of ['while away', 'after']) {
      const { properties } = await back.message({ payload })
      expect([properties.subscriptionIdentifier].flat()).toEqual([5])
    }
  })

  it('a PUBLISH of a client with a Subscription Identifier is refused [MQTT-3.3.4-6]', async () => {
    const client = await broker.connect()
    client.send('30 @ "a" [0b 01] 78')
    await client.expectDisconnect(PROTOCOL_ERROR)
  })

  it.skipIf(isOtherBroker)(
    'a client that sends more than Receive Maximum gets DISCONNECT 0x93 [MQTT-3.3.4-7]',
    async () => {
      const strict = await startConformanceBroker({ handler: { receiveMaximum: 2 } })
      const client = await strict.connect()
      expect(client.connack?.properties.receiveMaximum).toBe(2)
      const topic = unique()
      // QoS 2 without PUBREL stays unacknowledged.
      for (const id of ['0001', '0002']) client.send(`34 @ "${topic}" ${id} [] 78`)
      for (const messageId of [1, 2]) await client.expect({ cmd: 'pubrec', messageId })
      // A repetition is no new PUBLISH; QoS 0 does not count.
      client.send(`3c @ "${topic}" 0002 [] 78`, `30 @ "${topic}" [] 78`)
      await client.expect({ cmd: 'pubrec', messageId: 2 })
      await client.expectNothing()
      client.send('62 @ 0001')
      await client.expect({ cmd: 'pubcomp', messageId: 1 })
      client.send(`34 @ "${topic}" 0003 [] 78`)
      await client.expect({ cmd: 'pubrec', messageId: 3 })
      client.send(`34 @ "${topic}" 0004 [] 78`)
      await client.expectDisconnect(0x93)
      await strict.stop()
    },
  )

  it.each([1, 2] as const)(
    'the broker sends no more than Receive Maximum at QoS %i, and continues with each acknowledgement [MQTT-3.3.4-9]',
    async (qos) => {
      const topic = unique()
      const client = await broker.connect({ properties: { receiveMaximum: 2 } })
      await client.subscribe(topic, { qos: 2 })
      const publisher = await broker.connect()
      for (let n = 0; n < 5; n += 1) await publisher.publish(topic, `${n}`, { qos })
      const [first, second, ...more] = await client.untilPing()
      expect([first, second].map((packet) => packet?.payload)).toEqual(['0', '1'])
      expect(more).toEqual([])
      if (qos === 1) client.send({ cmd: 'puback', messageId: first!.messageId! })
      else {
        client.send({ cmd: 'pubrec', messageId: first!.messageId! })
        // PUBREC alone does not free the place.
        expect((await client.untilPing()).map(({ cmd }) => cmd)).toEqual(['pubrel'])
        client.send({ cmd: 'pubcomp', messageId: first!.messageId! })
      }
      expect((await client.untilPing()).map(({ payload }) => payload)).toEqual(['2'])
    },
  )

  it('PUBREC with a failure frees a place of Receive Maximum [MQTT-3.3.4-9]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 1 } })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const payload of ['first', 'second']) await publisher.publish(topic, payload, { qos: 2 })
    const { messageId } = await client.expect({ cmd: 'publish', payload: 'first' })
    await client.expectNothing()
    client.send({ cmd: 'pubrec', messageId: messageId!, reasonCode: 0x97 })
    await client.expect({ cmd: 'publish', payload: 'second' })
  })

  it('QoS 0 is not held back by Receive Maximum [MQTT-3.3.4-9]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 1 } })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const payload of ['first', 'held']) await publisher.publish(topic, payload)
    await publisher.publish(topic, 'QoS 0', { qos: 0 })
    expect((await client.untilPing()).map(({ payload }) => payload)).toEqual(['first', 'QoS 0'])
  })

  it('other packets are not held back by Receive Maximum [MQTT-3.3.4-10]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 1 } })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const payload of ['first', 'held']) await publisher.publish(topic, payload, { qos: 2 })
    const { messageId } = await client.take('publish')
    await client.expectNothing()
    await client.unsubscribe(unique())
    await client.publish(unique(), 'x', { qos: 1 })
    await client.publish(unique(), 'x', { qos: 2 })
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.expect({ cmd: 'pubrel', messageId })
  })

  it.each([
    ['QoS 1', '32 @ "$SYS/a" 0001 [] 78', { cmd: 'puback', messageId: 1, reasonCode: 0x90 }],
    ['QoS 2', '34 @ "$SYS/a" 0001 [] 78', { cmd: 'pubrec', messageId: 1, reasonCode: 0x90 }],
  ])(
    'a message of a client on a topic that begins with $ is refused at %s, and not delivered',
    async (_, packet, answer) => {
      const watcher = await broker.connect()
      await watcher.subscribe('$SYS/a')
      const client = await broker.connect()
      client.send(packet)
      await client.expect(answer)
      await client.expectNothing()
      await watcher.expectNothing()
    },
  )
})
