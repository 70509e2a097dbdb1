import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82

describe.concurrent('2 MQTT Control Packet format', () => {
  const broker = conformanceBroker()

  it.each([
    ['PUBACK', '42 02 0001'],
    ['PUBREC', '51 02 0001'],
    ['PUBREL', '60 02 0001'],
    ['PUBREL', '63 02 0001'],
    ['PUBCOMP', '78 02 0001'],
    ['SUBSCRIBE', '80 @ 0001 [] "a" 00'],
    ['SUBSCRIBE', '83 @ 0001 [] "a" 00'],
    ['UNSUBSCRIBE', 'a0 @ 0001 [] "a"'],
    ['UNSUBSCRIBE', 'a6 @ 0001 [] "a"'],
    ['PINGREQ', 'c1 00'],
    ['DISCONNECT', 'e2 00'],
    ['AUTH', 'f1 00'],
  ])('reserved flags of %s that are not as listed are refused: %s [MQTT-2.1.3-1]', async (_, packet) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(MALFORMED)
  })

  it('reserved flags of CONNECT that are not as listed are refused [MQTT-2.1.3-1]', async () => {
    const client = await broker.open()
    client.send('11 @ "MQTT" 05 02 003c [] "c"')
    await client.expectRefusal(MALFORMED)
  })

  it('packet type 0 is refused', async () => {
    const client = await broker.connect()
    client.send('00 00')
    await client.expectDisconnect(MALFORMED)
  })

  it('what the broker sends has the reserved flags as listed, packet by packet [MQTT-2.1.3-1]', async () => {
    const topic = unique()
    const client = await broker.connect()
    expect(client.connack?.hex.slice(0, 2)).toBe('20')
    expect((await client.subscribe(topic, { qos: 2 })).hex.slice(0, 2)).toBe('90')
    const messageId = client.sendPublish(topic, 'x', { qos: 2 })
    expect((await client.take('pubrec')).hex.slice(0, 2)).toBe('50')
    client.send({ cmd: 'pubrel', messageId })
    expect((await client.take('pubcomp')).hex.slice(0, 2)).toBe('70')
    const message = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: message.messageId! })
    expect((await client.take('pubrel')).hex.slice(0, 2)).toBe('62')
    client.send({ cmd: 'pubcomp', messageId: message.messageId! })
    expect((await client.publish(topic, 'x', { qos: 1 })).hex.slice(0, 2)).toBe('40')
    expect((await client.unsubscribe(topic)).hex.slice(0, 2)).toBe('b0')
    client.send('c0 00')
    expect((await client.take('pingresp')).hex).toBe('d000')
  })

  it('a PUBLISH at QoS 0 has no Packet Identifier, neither in nor out [MQTT-2.2.1-2]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 2 })
    client.send(`30 @ "${topic}" [] 0001`)
    expect((await client.take('publish')).hex).toBe(packetBytes(`30 @ "${topic}" [] 0001`).toString('hex'))
  })

  it.each([
    ['PUBLISH at QoS 1', '32 @ "a" 0000 []'],
    ['PUBLISH at QoS 2', '34 @ "a" 0000 []'],
    ['SUBSCRIBE', '82 @ 0000 [] "a" 00'],
    ['UNSUBSCRIBE', 'a2 @ 0000 [] "a"'],
  ])('%s with Packet Identifier 0 is refused [MQTT-2.2.1-3]', async (_, packet) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(PROTOCOL_ERROR, MALFORMED)
  })

  it('each new PUBLISH of the broker has a Packet Identifier that is not 0 and not in use [MQTT-2.2.1-4]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (let n = 0; n < 15; n += 1) await publisher.publish(topic, `${n}`, { qos: n % 2 === 0 ? 1 : 2 })
    const packets = await client.untilPing()
    expect(packets.map(({ payload }) => payload)).toEqual(Array.from({ length: 15 }, (_, n) => `${n}`))
    const ids = packets.map(({ messageId }) => messageId)
    expect(ids).not.toContain(0)
    expect(new Set(ids).size).toBe(15)
  })

  it.each([1, 0x1234, 0xffff])(
    'an acknowledgement has Packet Identifier %i of its PUBLISH [MQTT-2.2.1-5]',
    async (id) => {
      const client = await broker.connect()
      const topic = unique()
      client.send({ cmd: 'publish', topic, payload: 'x', qos: 1, messageId: id, dup: false, retain: false })
      await client.expect({ cmd: 'puback', messageId: id })
      client.send({ cmd: 'publish', topic, payload: 'x', qos: 2, messageId: id, dup: false, retain: false })
      await client.expect({ cmd: 'pubrec', messageId: id })
      client.send({ cmd: 'pubrel', messageId: id })
      await client.expect({ cmd: 'pubcomp', messageId: id })
    },
  )

  it('PUBREL of the broker has the Packet Identifier of its PUBLISH [MQTT-2.2.1-5]', async () => {
    const client = await broker.connect()
    const topic = unique()
    await client.subscribe(topic, { qos: 2 })
    await client.publish(topic, 'x', { qos: 2 })
    const { messageId } = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: messageId! })
    await client.expect({ cmd: 'pubrel', messageId })
  })

  it.each([1, 0x1234, 0xffff])(
    'SUBACK and UNSUBACK have Packet Identifier %i of the request [MQTT-2.2.1-6]',
    async (id) => {
      const client = await broker.connect()
      const topic = unique()
      client.send({ cmd: 'subscribe', messageId: id, subscriptions: [{ topic, qos: 0 }] })
      await client.expect({ cmd: 'suback', messageId: id })
      client.send({ cmd: 'unsubscribe', messageId: id, unsubscriptions: [topic] })
      await client.expect({ cmd: 'unsuback', messageId: id })
    },
  )

  it('a packet of the broker without properties has a Property Length of 0 [MQTT-2.2.2-1]', async () => {
    const client = await broker.connect({ properties: { requestProblemInformation: false } })
    const topic = unique()
    client.send(`82 @ 0001 [] "${topic}" 00`)
    expect((await client.next()).hex).toBe(packetBytes('90 @ 0001 [] 00').toString('hex'))
    client.send(`30 @ "${topic}" [] 'x'`)
    expect((await client.next()).hex).toBe(packetBytes(`30 @ "${topic}" [] 'x'`).toString('hex'))
    client.send(`a2 @ 0002 [] "${topic}"`)
    expect((await client.next()).hex).toBe(packetBytes('b0 @ 0002 [] 00').toString('hex'))
  })

  it.each([
    ['PUBLISH', '30 @ "a"'],
    ['SUBSCRIBE', '82 @ 0001'],
    ['UNSUBSCRIBE', 'a2 @ 0001'],
  ])('%s without a Property Length is refused [MQTT-2.2.2-1]', async (_, packet) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(MALFORMED)
  })

  it('CONNECT without a Property Length is refused [MQTT-2.2.2-1]', async () => {
    const client = await broker.open()
    // The Client Identifier of two bytes is taken for the Property Length 0 and an empty Client Identifier, and more.
    client.send('10 @ "MQTT" 05 02 003c "c"')
    await client.expectRefusal(MALFORMED)
  })
})
