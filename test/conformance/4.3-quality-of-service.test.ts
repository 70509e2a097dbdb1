import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'
import { withinRealTime } from '../helpers/eventually.ts'

const SESSION = { sessionExpiryInterval: 600 }

describe.concurrent('4.3 Quality of Service levels', () => {
  const broker = conformanceBroker()
  /** A subscriber with a session, and one who publishes. */
  const pair = async (qos: 0 | 1 | 2) => {
    const topic = unique()
    const [client, publisher] = [await broker.connect({ properties: SESSION }), await broker.connect()]
    await client.subscribe(topic, { qos })
    return { topic, client, publisher }
  }
  const comesBack = async (client: ConformanceClient): Promise<ConformanceClient> => {
    await client.vanish()
    const back = await broker.connect({ clientId: client.clientId, properties: SESSION, clean: false })
    expect(back.connack?.sessionPresent).toBe(true)
    return back
  }
  const watch = async (topic: string): Promise<ConformanceClient> => {
    const watcher = await broker.connect()
    await watcher.subscribe(topic, { qos: 2 })
    return watcher
  }

  it('QoS 0: PUBLISH at QoS 0 with DUP 0, once [MQTT-4.3.1-1]', async () => {
    const { topic, client, publisher } = await pair(0)
    for (const qos of [0, 1, 2] as const) await publisher.publish(topic, `${qos}`, { qos })
    for (const qos of [0, 1, 2]) await client.expect({ cmd: 'publish', payload: `${qos}`, qos: 0, dup: false })
    const back = await comesBack(client)
    await back.expectNothing()
  })

  it('QoS 1: a Packet Identifier that is free, QoS 1, DUP 0 [MQTT-4.3.2-1, MQTT-4.3.2-2]', async () => {
    const { topic, client, publisher } = await pair(1)
    for (let n = 0; n < 10; n += 1) await publisher.publish(topic, `${n}`)
    const packets = await client.untilPing()
    expect(new Set(packets.map(({ messageId }) => messageId)).size).toBe(10)
    for (const packet of packets) expect(packet).toMatchObject({ qos: 1, dup: false })
  })

  it('QoS 1: unacknowledged until PUBACK [MQTT-4.3.2-3]', async () => {
    const { topic, client, publisher } = await pair(1)
    await publisher.publish(topic, 'a')
    await publisher.publish(topic, 'b')
    const [a, b] = [await client.take('publish'), await client.take('publish')]
    client.send({ cmd: 'puback', messageId: b.messageId! })
    await client.expectNothing()
    const back = await comesBack(client)
    await back.message({ payload: 'a', messageId: a.messageId, dup: true })
    await back.expectNothing()
    const again = await comesBack(back)
    await again.expectNothing()
  })

  it('QoS 1: the broker answers PUBACK, and the message is delivered [MQTT-4.3.2-4]', async () => {
    const { topic, client, publisher } = await pair(1)
    publisher.send(`32 @ "${topic}" 1234 [] 78`)
    await publisher.expect({ cmd: 'puback', messageId: 0x1234 })
    await client.message({ payload: 'x' })
  })

  it('QoS 1: after PUBACK the same Packet Identifier is a new message, with any DUP [MQTT-4.3.2-5]', async () => {
    const { topic, client, publisher } = await pair(1)
    for (const byte of ['32', '3a', '3a']) {
      publisher.send(`${byte} @ "${topic}" 0001 [] 78`)
      await publisher.expect({ cmd: 'puback', messageId: 1 })
      await client.message({ payload: 'x', dup: false })
    }
  })

  it('QoS 2: a Packet Identifier that is free, QoS 2, DUP 0 [MQTT-4.3.3-1, MQTT-4.3.3-2]', async () => {
    const { topic, client, publisher } = await pair(2)
    for (let n = 0; n < 10; n += 1) await publisher.publish(topic, `${n}`, { qos: 2 })
    const packets = await client.untilPing()
    expect(new Set(packets.map(({ messageId }) => messageId)).size).toBe(10)
    for (const packet of packets) expect(packet).toMatchObject({ qos: 2, dup: false })
  })

  it('QoS 2: unacknowledged until PUBREC [MQTT-4.3.3-3]', async () => {
    const { topic, client, publisher } = await pair(2)
    await publisher.publish(topic, 'x', { qos: 2 })
    const { messageId } = await client.take('publish')
    const back = await comesBack(client)
    await back.expect({ cmd: 'publish', messageId, dup: true, qos: 2, payload: 'x' })
    const again = await comesBack(back)
    await again.message({ messageId, dup: true, qos: 2, payload: 'x' })
  })

  it('QoS 2: PUBREL with the same Packet Identifier follows PUBREC [MQTT-4.3.3-4]', async () => {
    const { topic, client, publisher } = await pair(2)
    await publisher.publish(topic, 'x', { qos: 2 })
    const { messageId } = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.expect({ cmd: 'pubrel', messageId, reasonCode: 0 })
    // A second one is answered as well.
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.expect({ cmd: 'pubrel', messageId, reasonCode: 0 })
  })

  it('QoS 2: no PUBREL follows PUBREC with 0x80 or more, and the message is over [MQTT-4.3.3-4, MQTT-4.4.0-2]', async () => {
    const { topic, client, publisher } = await pair(2)
    await publisher.publish(topic, 'x', { qos: 2 })
    const { messageId } = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: messageId!, reasonCode: 0x80 })
    await client.expectNothing()
    const back = await comesBack(client)
    await back.expectNothing()
  })

  it('QoS 2: PUBREL is unacknowledged until PUBCOMP, and PUBLISH is not sent again [MQTT-4.3.3-5, MQTT-4.3.3-6]', async () => {
    const { topic, client, publisher } = await pair(2)
    await publisher.publish(topic, 'x', { qos: 2 })
    const { messageId } = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.take('pubrel')
    const back = await comesBack(client)
    await back.expect({ cmd: 'pubrel', messageId })
    await back.expectNothing()
    back.send({ cmd: 'pubcomp', messageId: messageId! })
    await back.expectNothing()
    const again = await comesBack(back)
    await again.expectNothing()
  })

  it('QoS 2: PUBREC that comes on the next connection is taken [MQTT-4.3.3-5]', async () => {
    const { topic, client, publisher } = await pair(2)
    await publisher.publish(topic, 'x', { qos: 2 })
    await client.take('publish')
    const back = await comesBack(client)
    await back.message({ payload: 'x', dup: true })
    await back.expectNothing()
  })

  it(
    'a message at QoS 2 or 1 does not expire after it was sent, and its exchange continues [MQTT-4.3.3-7, MQTT-4.3.3-13]',
    withinRealTime,
    async () => {
      const { topic, client, publisher } = await pair(2)
      const clock = unique()
      const watcher = await watch(clock)
      const properties = { messageExpiryInterval: 1 }
      await publisher.publish(topic, 'at 2', { qos: 2, properties })
      await publisher.publish(topic, 'at 1', { qos: 1, properties })
      const [first, second] = [await client.take('publish'), await client.take('publish')]
      // The publisher's own exchange is left open over the same time.
      publisher.send(`34 @ "${unique()}" 0077 [02 00000001] 78`)
      await publisher.take('pubrec')
      const clockWill = { topic: clock, payload: 'now', qos: 0 as const, retain: false }
      const ends = await broker.connect({
        properties: SESSION,
        will: { ...clockWill, properties: { willDelayInterval: 2 } },
      })
      await ends.vanish()
      await watcher.message()
      publisher.send('62 @ 0077')
      await publisher.expect({ cmd: 'pubcomp', messageId: 0x77, reasonCode: 0 })
      const back = await comesBack(client)
      await back.message({ payload: 'at 2', messageId: first.messageId, dup: true })
      await back.message({ payload: 'at 1', messageId: second.messageId, dup: true })
    },
  )

  it('QoS 2: the broker answers PUBREC, and the message is delivered once [MQTT-4.3.3-8]', async () => {
    const { topic, client, publisher } = await pair(2)
    publisher.send(`34 @ "${topic}" 1234 [] 78`)
    await publisher.expect({ cmd: 'pubrec', messageId: 0x1234 })
    publisher.send('62 @ 1234')
    await publisher.expect({ cmd: 'pubcomp', messageId: 0x1234 })
    await client.message({ payload: 'x', qos: 2 })
    await client.expectNothing()
  })

  it('QoS 2: after PUBREC with 0x80 or more the same Packet Identifier is a new message [MQTT-4.3.3-9]', async () => {
    const { topic, client, publisher } = await pair(2)
    publisher.send('34 @ "$SYS/forbidden" 0001 [] 78')
    const { reasonCode } = await publisher.expect({ cmd: 'pubrec', messageId: 1 })
    expect(reasonCode).toBeGreaterThanOrEqual(0x80)
    publisher.send(`34 @ "${topic}" 0001 [] 79`)
    await publisher.expect({ cmd: 'pubrec', messageId: 1, reasonCode: 0 })
    await client.message({ payload: 'y' })
    publisher.send('62 @ 0001')
    await publisher.expect({ cmd: 'pubcomp', messageId: 1, reasonCode: 0 })
  })

  it('QoS 2: until PUBREL the same Packet Identifier is answered with PUBREC, and not delivered again [MQTT-4.3.3-10]', async () => {
    const { topic, client, publisher } = await pair(2)
    for (const byte of ['34', '3c', '34', '3c']) {
      publisher.send(`${byte} @ "${topic}" 0001 [] 78`)
      const { reasonCode } = await publisher.expect({ cmd: 'pubrec', messageId: 1 })
      expect(reasonCode).toBeLessThan(0x80)
    }
    publisher.send('62 @ 0001')
    await publisher.expect({ cmd: 'pubcomp', messageId: 1 })
    await client.message({ payload: 'x' })
    await client.expectNothing()
  })

  it('QoS 2: so it is on the next connection of the session [MQTT-4.3.3-10]', async () => {
    const topic = unique()
    const watcher = await watch(topic)
    const clientId = unique()
    const publisher = await broker.connect({ clientId, properties: SESSION })
    publisher.send(`34 @ "${topic}" 0001 [] 78`)
    await publisher.take('pubrec')
    const back = await comesBack(publisher)
    back.send(`3c @ "${topic}" 0001 [] 78`)
    await back.expect({ cmd: 'pubrec', messageId: 1 })
    const again = await comesBack(back)
    again.send('62 @ 0001')
    await again.expect({ cmd: 'pubcomp', messageId: 1, reasonCode: 0 })
    await watcher.message({ payload: 'x' })
    await watcher.expectNothing()
  })

  it('QoS 2: PUBREL is answered with PUBCOMP, a second one too [MQTT-4.3.3-11]', async () => {
    const { topic, publisher } = await pair(2)
    publisher.send(`34 @ "${topic}" 0001 [] 78`)
    await publisher.take('pubrec')
    publisher.send('62 @ 0001')
    await publisher.expect({ cmd: 'pubcomp', messageId: 1, reasonCode: 0 })
    publisher.send('62 @ 0001')
    await publisher.expect({ cmd: 'pubcomp', messageId: 1 })
  })

  it('QoS 2: after PUBCOMP the same Packet Identifier is a new message, with any DUP [MQTT-4.3.3-12]', async () => {
    const { topic, client, publisher } = await pair(2)
    for (const byte of ['34', '34', '3c']) {
      publisher.send(`${byte} @ "${topic}" 0001 [] 78`)
      await publisher.take('pubrec')
      publisher.send('62 @ 0001')
      await publisher.take('pubcomp')
      await client.message({ payload: 'x' })
    }
  })
})
