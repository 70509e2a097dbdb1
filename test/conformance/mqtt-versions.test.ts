import { describe, expect, it } from 'vitest'
import type { ProtocolVersion } from '../../src/mqtt/protocol-version.ts'
import { conformanceBroker, isOtherBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5]
const PAIRS = VERSIONS.flatMap((from) => VERSIONS.map((to) => [from, to] as const))

describe.concurrent('MQTT 3.1, and messages between versions', () => {
  const broker = conformanceBroker()

  it('a client of MQTT 3.1 connects, subscribes, publishes at every QoS', async () => {
    const topic = unique()
    const client = await broker.connect({ version: 3 })
    expect(client.connack?.hex).toBe('20020000')
    await client.subscribe(topic, { qos: 2 })
    for (const qos of [0, 1, 2] as const) {
      await client.publish(topic, `at ${qos}`, { qos })
      await client.message({ payload: `at ${qos}`, qos, dup: false })
    }
    await client.unsubscribe(topic)
    await client.disconnect()
  })

  it.skipIf(isOtherBroker)(
    'MQTT 3.1 knows no Session Present: the byte stays 0, and the session is there',
    async () => {
      const [clientId, topic] = [unique(), unique()]
      const client = await broker.connect({ version: 3, clientId, clean: false })
      await client.subscribe(topic, { qos: 1 })
      await client.disconnect()
      await (await broker.connect()).publish(topic, 'x')
      const back = await broker.connect({ version: 3, clientId, clean: false })
      expect(back.connack?.hex).toBe('20020000')
      await back.message({ payload: 'x' })
    },
  )

  it.each(['00', '02'])('an empty Client Identifier of MQTT 3.1 is refused with 0x02, flags %s', async (flags) => {
    const client = await broker.open(3)
    client.send(`10 @ "MQIsdp" 03 ${flags} 0000 ""`)
    expect((await client.expectRefusal(2)).hex).toBe('20020002')
  })

  it.each([
    ['bit 0 of its Connect Flags', '10 @ "MQIsdp" 03 01 000a'],
    ['a QoS in its fixed header', '14 @ "MQIsdp" 03 02 000a'],
    ['Will QoS and Will Retain without a Will', '1f @ "MQIsdp" 03 3b 000a'],
  ])('a client of MQTT 3.1 is served with any value of bits that its version does not use: %s', async (_, connect) => {
    const client = await broker.open(3)
    client.send(`${connect} "${unique()}"`, 'c8 00')
    expect((await client.next()).hex).toBe('20020000')
    expect((await client.next()).hex).toBe('d000')
    client.send('80 @ 0001 "a" 01', 'a0 @ 0002 "a"', '34 @ "b" 0003', '60 02 0003', '41 02 0004', 'cf 00')
    const answers = ['9003000101', 'b0020002', '50020003', '70020003', 'd000']
    for (const answer of answers) expect((await client.next()).hex).toBe(answer)
    client.send('ef 00')
    await client.expectClosed()
  })

  it('the Will of MQTT 3.1 is published', async () => {
    const topic = unique()
    const watcher = await broker.connect({ version: 3 })
    await watcher.subscribe(topic)
    const client = await broker.connect({ version: 3, will: { topic, payload: 'will', qos: 1, retain: false } })
    await client.vanish()
    await watcher.message({ payload: 'will' })
  })

  it.each(PAIRS)(
    'a message from a client of version %i to one of version %i, at every QoS and retained',
    async (from, to) => {
      const topic = unique()
      const [publisher, subscriber] = [await broker.connect({ version: from }), await broker.connect({ version: to })]
      await subscriber.subscribe(topic, { qos: 2 })
      for (const qos of [0, 1, 2] as const) {
        for (const retain of [false, true]) {
          await publisher.publish(topic, `${qos}`, { qos, retain })
          const { properties } = await subscriber.message({ payload: `${qos}`, qos, retain: false, dup: false })
          expect(properties).toEqual({})
        }
      }
      const late = await broker.connect({ version: to })
      await late.subscribe(topic, { qos: 2 })
      await late.message({ payload: '2', qos: 2, retain: true })
    },
  )

  it.each([3, 4] as const)(
    'properties are dropped for a client of version %i, and a Topic Alias is resolved',
    async (version) => {
      const topic = unique()
      const [publisher, old, five] = [await broker.connect(), await broker.connect({ version }), await broker.connect()]
      for (const client of [old, five]) await client.subscribe(topic)
      publisher.send(
        `30 @ "${topic}" [01 01 02 0000ffff 03 "t" 08 "r" 09 <00> 23 0001 26 "k" "v"] 'x'`,
        `30 @ "" [23 0001 26 "k" "v"] 'y'`,
      )
      for (const payload of ['x', 'y']) {
        const { hex } = await old.message({ topic })
        expect(hex).toBe(packetBytes(`30 @ "${topic}" '${payload}'`).toString('hex'))
        const { properties } = await five.message({ topic, payload })
        expect(properties.userProperties).toEqual({ k: 'v' })
        expect(properties).not.toHaveProperty('topicAlias')
      }
    },
  )

  it.each([3, 4] as const)(
    'properties wait in the session of a client of version %i for the day it speaks 5.0',
    async (version) => {
      const [clientId, topic] = [unique(), unique()]
      const old = await broker.connect({ version, clientId, clean: false })
      await old.subscribe(topic, { qos: 1 })
      await old.disconnect()
      await (await broker.connect()).publish(topic, 'x', { properties: { contentType: 'text/plain' } })
      const five = await broker.connect({ clientId, clean: false })
      expect((await five.message({ payload: 'x' })).properties).toEqual({ contentType: 'text/plain' })
    },
  )

  it.each([3, 4] as const)(
    'a message that has expired is not sent to a client of version %i either',
    async (version) => {
      const [clientId, topic, clock] = [unique(), unique(), unique()]
      const old = await broker.connect({ version, clientId, clean: false })
      await old.subscribe(topic, { qos: 1 })
      await old.disconnect()
      const publisher = await broker.connect()
      await publisher.subscribe(clock)
      await publisher.publish(topic, 'expires', { properties: { messageExpiryInterval: 1 } })
      await publisher.publish(topic, 'stays')
      const will = {
        topic: clock,
        payload: 'now',
        qos: 0 as const,
        retain: false,
        properties: { willDelayInterval: 2 },
      }
      await (await broker.connect({ properties: { sessionExpiryInterval: 600 }, will })).vanish()
      await publisher.message({ topic: clock })
      const back = await broker.connect({ version, clientId, clean: false })
      await back.message({ payload: 'stays' })
      await back.expectNothing()
    },
  )

  it.each([3, 4] as const)('a client of version %i gets its own messages: it has no No Local', async (version) => {
    const topic = unique()
    const client = await broker.connect({ version })
    await client.subscribe(topic)
    await client.publish(topic, 'own')
    await client.message({ payload: 'own' })
  })

  it('a session of 5.0 that ends with its connection is kept if 3.1.1 requests it, and the other way round', async () => {
    const clientId = unique()
    const four = await broker.connect({ version: 4, clientId, clean: false })
    await four.disconnect()
    const five = await broker.connect({ clientId, clean: false })
    expect(five.connack?.sessionPresent).toBe(true)
    await five.disconnect()
    const again = await broker.connect({ version: 4, clientId, clean: false })
    expect(again.connack?.sessionPresent).toBe(false)
  })
})
