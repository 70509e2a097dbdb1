import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'

const SESSION = { sessionExpiryInterval: 600 }
const FILTER_INVALID = 0x8f

describe.concurrent('4.8 Subscriptions', () => {
  const broker = conformanceBroker()
  /** Members of one Shared Subscription, in the order they came. */
  const members = async (count: number, topic: string, qos: 0 | 1 | 2, properties: object = SESSION) => {
    const filter = `$share/${unique()}/${topic}`
    const clients: ConformanceClient[] = []
    for (let n = 0; n < count; n += 1) {
      const client = await broker.connect({ properties })
      await client.subscribe(filter, { qos })
      clients.push(client)
    }
    return clients
  }
  /** Who of them got the one message that is under way, and its packet. */
  const receiver = async (clients: readonly ConformanceClient[]) => {
    const packets = await Promise.all(clients.map((client) => client.untilPing()))
    expect(packets.flat()).toHaveLength(1)
    const index = packets.findIndex(({ length }) => length > 0)
    return { client: clients[index]!, others: clients.filter((_, n) => n !== index), packet: packets[index]![0]! }
  }

  it('a message of a Shared Subscription goes to one of its members, each in turn', async () => {
    const topic = unique()
    const clients = await members(3, topic, 1)
    const publisher = await broker.connect()
    for (let n = 0; n < 30; n += 1) await publisher.publish(topic, `${n}`)
    const received: (string | undefined)[] = []
    for (const client of clients) {
      const packets = (await client.untilPing()).map(({ payload }) => payload)
      expect(packets.length).toBeGreaterThan(0)
      received.push(...packets)
    }
    expect(received.sort()).toEqual(Array.from({ length: 30 }, (_, n) => `${n}`).sort())
  })

  it('Shared Subscriptions of other names and ordinary ones get a copy each', async () => {
    const topic = unique()
    const [first, second] = [await members(1, topic, 0), await members(1, `${topic}/#`, 0)]
    const plain = await broker.connect()
    await plain.subscribe(topic)
    await plain.publish(topic, 'x')
    for (const client of [...first, ...second, plain]) await client.message({ payload: 'x' })
  })

  it('no retained message is sent for a Shared Subscription', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.publish(topic, 'kept', { retain: true })
    await client.subscribe(`$share/${unique()}/${topic}`)
    await client.expectNothing()
  })

  it.each(['$share//a', '$share/', '$share//', '$share//#'])(
    'the Shared Subscription %s, which has no ShareName, is refused [MQTT-4.8.2-1]',
    async (filter) => {
      const client = await broker.connect()
      client.send(`82 @ 0001 [] "${filter}" 00`)
      await client.expectDisconnect(FILTER_INVALID)
    },
  )

  it.each(['$share/g', '$share/g/', '$share/+/a', '$share/g+/a', '$share/#', '$share/g#/a', '$share/g/a/#/b'])(
    'the Shared Subscription %s is refused [MQTT-4.8.2-2]',
    async (filter) => {
      const client = await broker.connect()
      client.send(`82 @ 0001 [] "${filter}" 00`)
      await client.expectDisconnect(FILTER_INVALID)
    },
  )

  it('the filter of a Shared Subscription begins after the ShareName, and may begin with a slash [MQTT-4.8.2-2]', async () => {
    const topic = `/${unique()}`
    const [client] = await members(1, topic, 0)
    await client!.publish(topic, 'x')
    await client!.message({ topic, payload: 'x' })
    await client!.publish(topic.slice(1), 'y')
    await client!.expectNothing()
  })

  it('each member gets its messages at the QoS granted to it [MQTT-4.8.2-3]', async () => {
    const topic = unique()
    const filter = `$share/${unique()}/${topic}`
    const publisher = await broker.connect()
    const clients = await Promise.all([0, 1, 2].map(() => broker.connect()))
    for (const [qos, client] of clients.entries()) await client.subscribe(filter, { qos: qos as 0 | 1 | 2 })
    for (let n = 0; n < 12; n += 1) await publisher.publish(topic, 'x', { qos: 2 })
    for (const [qos, client] of clients.entries()) {
      const packets = await client.untilPing()
      expect(packets.length).toBeGreaterThan(0)
      for (const packet of packets) expect(packet.qos).toBe(qos)
    }
  })

  it('a message at QoS 2 that a member was sent is completed when it comes back, and goes to no other [MQTT-4.8.2-4]', async () => {
    const topic = unique()
    const clients = await members(2, topic, 2)
    await (await broker.connect()).publish(topic, 'x', { qos: 2 })
    const { client, others, packet } = await receiver(clients)
    await client.vanish()
    for (const other of others) await other.expectNothing()
    const back = await broker.connect({ clientId: client.clientId, clean: false, properties: SESSION })
    await back.message({ payload: 'x', messageId: packet.messageId, dup: true })
    for (const other of others) await other.expectNothing()
  })

  it('a message at QoS 2 that a member has answered with PUBREC is completed too [MQTT-4.8.2-4]', async () => {
    const topic = unique()
    const clients = await members(2, topic, 2)
    await (await broker.connect()).publish(topic, 'x', { qos: 2 })
    const { client, others, packet } = await receiver(clients)
    client.send({ cmd: 'pubrec', messageId: packet.messageId! })
    await client.take('pubrel')
    await client.vanish()
    const back = await broker.connect({ clientId: client.clientId, clean: false, properties: SESSION })
    await back.expect({ cmd: 'pubrel', messageId: packet.messageId })
    for (const other of others) await other.expectNothing()
  })

  it.each([
    ['with its connection', {}],
    ['with the session that replaces it', SESSION],
  ])(
    'a message at QoS 2 that a member was sent goes to no other when its session ends %s [MQTT-4.8.2-5]',
    async (_, properties) => {
      const topic = unique()
      const clients = await members(2, topic, 2, properties)
      await (await broker.connect()).publish(topic, 'x', { qos: 2 })
      const { client, others } = await receiver(clients)
      await client.vanish()
      await broker.connect({ clientId: client.clientId, clean: true })
      for (const other of others) await other.expectNothing()
    },
  )

  it.each([
    ['PUBACK', 1],
    ['PUBREC', 2],
  ] as const)('a message that a member refuses with %s is discarded [MQTT-4.8.2-6]', async (_, qos) => {
    const topic = unique()
    const clients = await members(3, topic, qos)
    await (await broker.connect()).publish(topic, 'x', { qos })
    const { client, others, packet } = await receiver(clients)
    client.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId!, reasonCode: 0x83 })
    await client.expectNothing()
    for (const other of others) await other.expectNothing()
    await client.vanish()
    const back = await broker.connect({ clientId: client.clientId, clean: false, properties: SESSION })
    await back.expectNothing()
    for (const other of others) await other.expectNothing()
  })

  it('members that are away are skipped while others are connected', async () => {
    const topic = unique()
    const [first, second] = await members(2, topic, 1)
    await first!.vanish()
    const publisher = await broker.connect()
    for (let n = 0; n < 6; n += 1) await publisher.publish(topic, `${n}`)
    for (let n = 0; n < 6; n += 1) await second!.message({ payload: `${n}` })
  })
})
