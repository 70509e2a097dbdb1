import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConnectOptions } from '../helpers/conformance-client.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

describe.concurrent('MQTT 3.1.1: messages and subscriptions', () => {
  const broker = conformanceBroker()
  const connect = (options: ConnectOptions = {}) => broker.connect({ version: 4, ...options })

  it.each([
    ['reserved flags of PUBREL [3.1.1 MQTT-3.6.1-1]', '60 @ 0001'],
    ['reserved flags of SUBSCRIBE [3.1.1 MQTT-3.8.1-1]', '80 @ 0001 "a" 00'],
    ['reserved flags of UNSUBSCRIBE [3.1.1 MQTT-3.10.1-1]', 'a0 @ 0001 "a"'],
    ['reserved flags of DISCONNECT [3.1.1 MQTT-3.14.1-1]', 'e1 00'],
    ['reserved flags of PINGREQ [3.1.1 MQTT-2.2.2-2]', 'c8 00'],
    ['a Packet Identifier of 0 [3.1.1 MQTT-2.3.1-1]', '32 @ "a" 0000 78'],
    ['QoS 3 [3.1.1 MQTT-3.3.1-4]', '36 @ "a" 0001 78'],
    ['DUP at QoS 0 [3.1.1 MQTT-3.3.1-2]', '38 @ "a" 78'],
    ['a wildcard in the Topic Name [3.1.1 MQTT-3.3.2-2]', '30 @ "a/#" 78'],
    ['an empty Topic Name [3.1.1 MQTT-4.7.3-1]', '30 @ "" 78'],
    ['U+0000 in the Topic Name [3.1.1 MQTT-4.7.3-2]', '30 @ <610062> 78'],
    ['a Topic Name that is not UTF-8 [3.1.1 MQTT-1.5.3-1]', '30 @ <61ff> 78'],
    ['a SUBSCRIBE without a filter [3.1.1 MQTT-3.8.3-3]', '82 @ 0001'],
    ['reserved bits of the requested QoS [3.1.1 MQTT-3.8.3-4]', '82 @ 0001 "a" 04'],
    ['a requested QoS of 3 [3.1.1 MQTT-3.8.3-4]', '82 @ 0001 "a" 03'],
    ['a filter that is not UTF-8 [3.1.1 MQTT-3.8.3-1]', '82 @ 0001 <61ff> 00'],
    ['a filter that continues after # [3.1.1 MQTT-4.7.1-2]', '82 @ 0001 "#/a" 00'],
    ['a + that shares its level [3.1.1 MQTT-4.7.1-3]', '82 @ 0001 "a+" 00'],
    ['an UNSUBSCRIBE without a filter [3.1.1 MQTT-3.10.3-2]', 'a2 @ 0001'],
    ['a packet of a server [3.1.1 MQTT-4.8.0-1]', '20 02 0000'],
    ['AUTH, which comes with 5.0 [3.1.1 MQTT-4.8.0-1]', 'f0 00'],
    ['a Reason Code, which comes with 5.0 [3.1.1 MQTT-4.8.0-1]', '40 @ 0001 00'],
  ])('%s: the connection is closed without a packet', async (_, packet) => {
    const topic = unique()
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await connect()
    client.send(packet, `30 @ "${topic}" 78`)
    await client.expectClosed()
    await watcher.expectNothing()
  })

  it('packets have no properties and no Reason Codes, in neither direction [3.1.1 MQTT-2.3.1-6, 3.1.1 MQTT-2.3.1-7]', async () => {
    const topic = unique()
    const client = await connect()
    const sent = [
      `82 @ 0007 "${topic}" 02`,
      `32 @ "${unique()}" 0008 78`,
      `34 @ "${unique()}" 0009 78`,
      '62 @ 0009',
      `a2 @ 000a "${unique()}"`,
    ]
    const expected = ['90 @ 0007 02', '40 @ 0008', '50 @ 0009', '70 @ 0009', 'b0 @ 000a']
    for (const [index, packet] of sent.entries()) {
      client.send(packet)
      expect((await client.next()).hex).toBe(packetBytes(expected[index]!).toString('hex'))
    }
    client.send(`34 @ "${topic}" 000b 78`)
    await client.take('pubrec')
    client.send('62 @ 000b')
    await client.take('pubcomp')
    const { messageId, hex } = await client.take('publish')
    const id = messageId!.toString(16).padStart(4, '0')
    expect(hex).toBe(packetBytes(`34 @ "${topic}" ${id} 78`).toString('hex'))
    client.send(`50 @ ${id}`)
    expect((await client.take('pubrel')).hex).toBe(packetBytes(`62 @ ${id}`).toString('hex'))
  })

  it('PUBREL for an unknown Packet Identifier is answered with PUBCOMP', async () => {
    const client = await connect()
    client.send('62 @ 0009')
    expect((await client.next()).hex).toBe('70020009')
  })

  it.each([1, 2] as const)(
    'a message that is unacknowledged at QoS %i comes again with DUP 1 on the next connection [3.1.1 MQTT-3.3.1-1, 3.1.1 MQTT-4.4.0-1]',
    async (qos) => {
      const [clientId, topic] = [unique(), unique()]
      const client = await connect({ clientId, clean: false })
      await client.subscribe(topic, { qos })
      await (await connect()).publish(topic, 'x', { qos })
      const { messageId } = await client.expect({ cmd: 'publish', dup: false })
      await client.expectNothing()
      await client.vanish()
      const back = await connect({ clientId, clean: false })
      await back.message({ payload: 'x', dup: true, messageId, qos })
      await back.vanish()
      await (await connect({ clientId, clean: false })).expectNothing()
    },
  )

  it('DUP of the publisher is not passed on [3.1.1 MQTT-3.3.1-3]', async () => {
    const topic = unique()
    const client = await connect()
    await client.subscribe(topic, { qos: 1 })
    client.send(`3a @ "${topic}" 0001 78`)
    await client.message({ dup: false })
  })

  it('a new subscription gets the retained message with RETAIN 1, again when it is replaced; an old one with RETAIN 0 [3.1.1 MQTT-3.3.1-6, 3.1.1 MQTT-3.3.1-8, 3.1.1 MQTT-3.3.1-9, 3.1.1 MQTT-3.8.4-3]', async () => {
    const topic = unique()
    const client = await connect()
    await client.subscribe(topic, { qos: 1 })
    await client.publish(topic, 'kept', { retain: true })
    await client.message({ payload: 'kept', retain: false })
    for (const qos of [1, 0] as const) {
      await client.subscribe(topic, { qos })
      await client.message({ payload: 'kept', retain: true, qos })
    }
    await client.publish(topic, 'new', { qos: 1 })
    await client.message({ payload: 'new', qos: 0 })
    await client.expectNothing()
  })

  it('a retained message at QoS 0 replaces the previous one, and an empty message removes it [3.1.1 MQTT-3.3.1-7, 3.1.1 MQTT-3.3.1-10, 3.1.1 MQTT-3.3.1-11, 3.1.1 MQTT-3.3.1-12]', async () => {
    const topic = unique()
    const client = await connect()
    const kept = async () => {
      const late = await connect()
      await late.subscribe(topic, { qos: 2 })
      return (await late.untilPing()).map(({ payload, qos }) => [payload, qos])
    }
    await client.publish(topic, 'at 2', { qos: 2, retain: true })
    expect(await kept()).toEqual([['at 2', 2]])
    await client.publish(topic, 'at 0', { qos: 0, retain: true })
    expect(await kept()).toEqual([['at 0', 0]])
    await client.publish(topic, 'not kept')
    expect(await kept()).toEqual([['at 0', 0]])
    await client.publish(topic, '', { retain: true })
    expect(await kept()).toEqual([])
  })

  it('overlapping subscriptions get one copy at the highest QoS [3.1.1 MQTT-3.3.5-1]', async () => {
    const topic = unique()
    const client = await connect()
    for (const [filter, qos] of [
      [`${topic}/a`, 0],
      [`${topic}/+`, 2],
      [`${topic}/#`, 1],
    ] as const) {
      await client.subscribe(filter, { qos })
    }
    const publisher = await connect()
    for (const qos of [0, 1, 2] as const) {
      await publisher.publish(`${topic}/a`, `${qos}`, { qos })
      await client.message({ payload: `${qos}`, qos })
      await client.expectNothing()
    }
  })

  it.each([
    ['QoS 0', '30 @ "$SYS/a" 78', ''],
    ['QoS 1', '32 @ "$SYS/a" 0001 78', '40020001'],
    ['QoS 2', '34 @ "$SYS/a" 0001 78', '50020001'],
  ])(
    'a message that a client may not publish is acknowledged at %s, and discarded [3.1.1 MQTT-3.3.5-2]',
    async (_, packet, answer) => {
      const watcher = await connect()
      await watcher.subscribe('$SYS/a')
      const client = await connect()
      client.send(packet, 'c0 00')
      expect(await client.raw.receive(answer.length / 2 + 2)).toBe(`${answer}d000`)
      await watcher.expectNothing()
    },
  )

  it('SUBACK has a Return Code for each filter, in their order [3.1.1 MQTT-3.8.4-5, 3.1.1 MQTT-3.9.3-1, 3.1.1 MQTT-3.9.3-2]', async () => {
    const client = await connect()
    const topic = unique()
    client.send(`82 @ 0001 "${topic}/a" 00 "${topic}/b" 02 "${topic}/c" 01`)
    expect((await client.next()).hex).toBe('90050001000201')
  })

  it.skipIf(isOtherBroker)('SUBACK has 0x80 for a subscription that is not made', async () => {
    const client = await connect()
    client.send(`82 @ 0001 "${'a/'.repeat(200)}" 01 "${unique()}" 01`)
    expect((await client.next()).hex).toBe('900400018001')
  })

  it('UNSUBACK comes even if nothing was subscribed [3.1.1 MQTT-3.10.4-5]', async () => {
    const client = await connect()
    client.send(`a2 @ 0001 "${unique()}" "${unique()}"`)
    expect((await client.next()).hex).toBe('b0020001')
  })

  it('the order is kept over a connection that breaks [3.1.1 MQTT-4.6.0-5, 3.1.1 MQTT-4.6.0-6]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const client = await connect({ clientId, clean: false })
    await client.subscribe(topic, { qos: 1 })
    const publisher = await connect()
    for (const payload of ['0', '1', '2']) await publisher.publish(topic, payload)
    await client.message({ payload: '0' })
    await client.expect({ cmd: 'publish', payload: '1' })
    await client.vanish()
    for (const payload of ['3', '4']) await publisher.publish(topic, payload)
    const back = await connect({ clientId, clean: false })
    for (const payload of ['1', '2', '3', '4']) await back.message({ payload })
  })

  it('a client of 3.1.1 may join a Shared Subscription, and share it with one of 5.0', async () => {
    const topic = unique()
    const filter = `$share/${unique()}/${topic}`
    const [four, five] = [await connect(), await broker.connect()]
    await four.subscribe(filter, { qos: 1 })
    await five.subscribe(filter, { qos: 1 })
    const publisher = await connect()
    for (let n = 0; n < 10; n += 1) await publisher.publish(topic, `${n}`)
    const counts = []
    for (const client of [four, five]) counts.push((await client.untilPing()).length)
    expect(counts).toEqual([5, 5])
    await four.unsubscribe(filter)
    await publisher.publish(topic, 'last')
    await four.expectNothing()
  })
})
