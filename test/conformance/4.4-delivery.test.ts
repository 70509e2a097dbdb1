import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'

const SESSION = { sessionExpiryInterval: 600 }

describe.concurrent('4.4 Message delivery retry, 4.5 Message receipt and 4.6 Message ordering', () => {
  const broker = conformanceBroker()
  const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `${n + from}`)
  const payloads = (packets: readonly { payload?: string }[]) => packets.map(({ payload }) => payload)
  const comesBack = (client: ConformanceClient, properties: object = {}): Promise<ConformanceClient> =>
    broker.connect({ clientId: client.clientId, properties: { ...SESSION, ...properties }, clean: false })

  it('what is unacknowledged is sent again on the next connection, under its Packet Identifier [MQTT-4.4.0-1]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: SESSION })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['d', 1],
      ['e', 2],
    ] as const) {
      await publisher.publish(topic, payload, { qos })
    }
    const [a, b, c, d, e] = await client.untilPing()
    // c has come to PUBREL, d is over.
    client.send({ cmd: 'pubrec', messageId: c!.messageId! }, { cmd: 'puback', messageId: d!.messageId! })
    await client.take('pubrel')
    await client.vanish()
    const back = await comesBack(client)
    const again = await back.untilPing()
    const publishes = again.filter(({ cmd }) => cmd === 'publish')
    expect(publishes.map(({ payload, messageId, dup }) => [payload, messageId, dup])).toEqual(
      [a, b, e].map((packet) => [packet!.payload, packet!.messageId, true]),
    )
    const pubrels = again.filter(({ cmd }) => cmd === 'pubrel')
    expect(pubrels.map(({ messageId }) => messageId)).toEqual([c!.messageId])
    expect(again).toHaveLength(4)
  })

  it('PUBREL is sent before all PUBLISH packets, with any Receive Maximum [MQTT-4.4.0-1]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: SESSION })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const payload of numbers(3)) await publisher.publish(topic, payload, { qos: 2 })
    const [a, b] = await client.untilPing()
    client.send({ cmd: 'pubrec', messageId: a!.messageId! })
    await client.take('pubrel')
    await client.vanish()
    const back = await comesBack(client, { receiveMaximum: 1 })
    await back.expect({ cmd: 'pubrel', messageId: a!.messageId })
    await back.expect({ cmd: 'publish', messageId: b!.messageId, dup: true })
    await back.expectNothing()
  })

  it('PUBREL goes before large PUBLISH packets to a client of MQTT 3.1.1 [MQTT-4.4.0-1]', async () => {
    const topic = unique()
    const session = { version: 4, clientId: unique(), clean: false } as const
    const client = await broker.connect(session)
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    const large = Buffer.alloc(200_000, 'x')
    for (let n = 0; n < 30; n += 1) await publisher.publish(topic, large, { qos: 2 })
    const { messageId } = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.take('pubrel')
    await client.vanish()
    const back = await broker.connect(session)
    expect(await back.next()).toMatchObject({ cmd: 'pubrel', messageId })
    expect(await back.next()).toMatchObject({ cmd: 'publish', dup: true })
    await back.vanish()
    // The session is not left behind.
    await broker.connect({ ...session, clean: true })
  })

  it('PUBREL is sent again in the order of PUBREC [MQTT-4.4.0-1]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: SESSION })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const payload of numbers(3)) await publisher.publish(topic, payload, { qos: 2 })
    const [a, b, c] = (await client.untilPing()).map((packet) => packet.messageId!)
    for (const messageId of [c, a]) client.send({ cmd: 'pubrec', messageId: messageId! })
    for (const messageId of [c, a]) await client.expect({ cmd: 'pubrel', messageId })
    await client.vanish()
    const back = await comesBack(client)
    for (const messageId of [c, a]) await back.expect({ cmd: 'pubrel', messageId })
    await back.expect({ cmd: 'publish', messageId: b, dup: true })
    await back.expectNothing()
  })

  it('it is sent again at no other time [MQTT-4.4.0-1]', async () => {
    const [topic, clock] = [unique(), unique()]
    const client = await broker.connect({ properties: SESSION })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const qos of [1, 2] as const) await publisher.publish(topic, 'x', { qos })
    expect(payloads(await client.untilPing())).toEqual(['x', 'x'])
    // Time passes, other things happen, and more messages come.
    await publisher.subscribe(clock)
    const will = { topic: clock, payload: 'now', qos: 0 as const, retain: false, properties: { willDelayInterval: 2 } }
    await (await broker.connect({ properties: SESSION, will })).vanish()
    await publisher.message({ topic: clock })
    await client.subscribe(topic, { qos: 2 })
    await publisher.publish(topic, 'y')
    expect(payloads(await client.untilPing())).toEqual(['y'])
  })

  it.each([1, 2] as const)(
    'a message at QoS %i that was acknowledged with 0x80 or more is over [MQTT-4.4.0-2]',
    async (qos) => {
      const topic = unique()
      const client = await broker.connect({ properties: SESSION })
      await client.subscribe(topic, { qos })
      await (await broker.connect()).publish(topic, 'x', { qos })
      const { messageId } = await client.take('publish')
      client.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: messageId!, reasonCode: 0x97 })
      await client.expectNothing()
      await client.vanish()
      const back = await comesBack(client)
      expect(back.connack?.sessionPresent).toBe(true)
      await back.expectNothing()
    },
  )

  it('an acknowledged message belongs to all matching sessions, their clients connected or not [MQTT-4.5.0-1]', async () => {
    const topic = unique()
    const publisher = await broker.connect()
    const clients: ConformanceClient[] = []
    for (const filter of [topic, `${topic}/#`, '+/+', `${unique()}/other`]) {
      for (const connected of [true, false]) {
        const client = await broker.connect({ properties: SESSION })
        await client.subscribe(filter === '+/+' ? `+/${topic}` : filter, { qos: 2 })
        if (!connected) await client.vanish()
        clients.push(client)
      }
    }
    await publisher.publish(topic, 'one', { qos: 1 })
    await publisher.publish(topic, 'two', { qos: 2 })
    for (const [index, client] of clients.entries()) {
      await client.vanish()
      const back = await comesBack(client)
      expect(payloads(await back.untilPing())).toEqual(index < 4 ? ['one', 'two'] : [])
    }
  })

  it.each([0, 1, 2] as const)(
    'messages at QoS %i come in the order they were published in [MQTT-4.6.0-5, MQTT-4.6.0-6]',
    async (qos) => {
      const topic = unique()
      const [client, publisher] = [await broker.connect(), await broker.connect()]
      await client.subscribe(topic, { qos })
      for (const payload of numbers(200)) publisher.sendPublish(topic, payload, { qos })
      for (const payload of numbers(200)) await client.message({ payload })
    },
  )

  it('messages on many topics, one filter, come in the order of each [MQTT-4.6.0-5, MQTT-4.6.0-6]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { receiveMaximum: 3 } })
    await client.subscribe(`${topic}/#`, { qos: 2 })
    const publishers = [await broker.connect(), await broker.connect()]
    for (const payload of numbers(60)) {
      for (const [index, publisher] of publishers.entries()) {
        publisher.sendPublish(`${topic}/${Number(payload) % 3}/${index}`, payload, { qos: 1 })
      }
    }
    const received = new Map<string, string[]>()
    for (let n = 0; n < 120; n += 1) {
      const packet = await client.message()
      received.set(packet.topic!, [...(received.get(packet.topic!) ?? []), packet.payload!])
    }
    for (const [name, list] of received) {
      const [, remainder] = name.split('/')
      expect(list).toEqual(numbers(60).filter((n) => Number(n) % 3 === Number(remainder)))
    }
    expect(received.size).toBe(6)
  })

  it.each([1, 2] as const)(
    'the order at QoS %i holds over queue, Receive Maximum and connections [MQTT-4.6.0-5, MQTT-4.6.0-6]',
    async (qos) => {
      const topic = unique()
      const publisher = await broker.connect()
      let client = await broker.connect({ properties: SESSION })
      await client.subscribe(topic, { qos })
      await client.vanish()
      for (const payload of numbers(10)) await publisher.publish(topic, payload, { qos })
      client = await comesBack(client, { receiveMaximum: 4 })
      for (const payload of numbers(2)) await client.message({ payload })
      for (const payload of numbers(10, 10)) await publisher.publish(topic, payload, { qos })
      for (const payload of numbers(2, 2)) await client.message({ payload })
      const unacknowledged = payloads(await client.untilPing())
      expect(unacknowledged).toEqual(numbers(4, 4))
      await client.vanish()
      await publisher.publish(topic, '20', { qos })
      client = await comesBack(client, { receiveMaximum: 4 })
      for (const payload of numbers(17, 4)) await client.message({ payload })
      await client.expectNothing()
    },
  )

  it('the broker acknowledges in the order the packets came in', async () => {
    const client = await broker.connect()
    const topic = unique()
    await client.subscribe(topic, { qos: 2 })
    for (const id of ['0003', '0001', '0002']) client.send(`32 @ "${unique()}" ${id} [] 78`)
    for (const messageId of [3, 1, 2]) await client.expect({ cmd: 'puback', messageId })
    for (const id of ['0003', '0001', '0002']) client.send(`34 @ "${topic}" ${id} [] 78`)
    const ids: number[] = []
    for (const messageId of [3, 1, 2]) expect(await client.take('pubrec')).toMatchObject({ messageId })
    for (const id of ['0003', '0001', '0002']) client.send(`62 @ ${id}`)
    for (const messageId of [3, 1, 2]) expect(await client.take('pubcomp')).toMatchObject({ messageId })
    for (let n = 0; n < 3; n += 1) ids.push((await client.take('publish')).messageId!)
    for (const messageId of [ids[1], ids[0], ids[2]]) client.send({ cmd: 'pubrec', messageId: messageId! })
    for (const messageId of [ids[1], ids[0], ids[2]]) await client.expect({ cmd: 'pubrel', messageId })
  })
})
