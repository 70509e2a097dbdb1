import { describe, expect, it } from 'vitest'
import { conformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const PUBACK_REASON_CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]

describe.concurrent('3.4 to 3.7 PUBACK, PUBREC, PUBREL, PUBCOMP', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(...reasonCodes)
  }
  /** A client that takes no larger packets than the CONNACK which it gets. */
  const narrow = async (): Promise<ConformanceClient & { maximum: number }> => {
    const { connack } = await broker.connect({ properties: { maximumPacketSize: 1_000 } })
    const maximum = connack!.size
    return Object.assign(await broker.connect({ properties: { maximumPacketSize: maximum } }), { maximum })
  }

  it.each([
    ['PUBACK [MQTT-3.4.2-1]', 1, 'puback'],
    ['PUBREC [MQTT-3.5.2-1]', 2, 'pubrec'],
  ] as const)('%s of the broker has one of its Reason Codes', async (_, qos, cmd) => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic)
    for (const name of [topic, unique(), '$SYS/forbidden']) {
      const messageId = client.sendPublish(name, 'x', { qos })
      const answer = await client.take(cmd)
      expect(answer.messageId).toBe(messageId)
      expect(PUBACK_REASON_CODES).toContain(answer.reasonCode)
    }
  })

  it.each([
    ['PUBACK [MQTT-3.4.2-1]', '40 03 0001 92'],
    ['PUBREC [MQTT-3.5.2-1]', '50 03 0001 01'],
    ['PUBREL [MQTT-3.6.2-1]', '62 03 0001 10'],
    ['PUBCOMP [MQTT-3.7.2-1]', '70 03 0001 80'],
  ])('a Reason Code of another packet is refused: %s', async (_, packet) => {
    await refused(packet, PROTOCOL_ERROR, MALFORMED)
  })

  it('PUBREL and PUBCOMP of the broker have one of their Reason Codes [MQTT-3.6.2-1, MQTT-3.7.2-1]', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 2 })
    // An unknown identifier: 0x92 in both directions.
    client.send('62 @ 0009', '50 @ 0009')
    await client.expect({ cmd: 'pubcomp', messageId: 9, reasonCode: 0x92 })
    await client.expect({ cmd: 'pubrel', messageId: 9, reasonCode: 0x92 })
    const messageId = client.sendPublish(topic, 'x', { qos: 2 })
    await client.take('pubrec')
    client.send({ cmd: 'pubrel', messageId })
    expect(await client.take('pubcomp')).toMatchObject({ messageId, reasonCode: 0 })
    const message = await client.take('publish')
    client.send({ cmd: 'pubrec', messageId: message.messageId! })
    expect(await client.take('pubrel')).toMatchObject({ messageId: message.messageId, reasonCode: 0 })
  })

  it.each([
    ['PUBACK [MQTT-3.4.2-2, MQTT-3.4.2-3]', '32 @ "$SYS/forbidden" 0001 [26 "k" "v"] 78', 'puback'],
    ['PUBREC [MQTT-3.5.2-2, MQTT-3.5.2-3]', '34 @ "$SYS/forbidden" 0001 [26 "k" "v"] 78', 'pubrec'],
    ['PUBREL [MQTT-3.6.2-2, MQTT-3.6.2-3]', '50 @ 0001 00 [26 "k" "v"]', 'pubrel'],
    ['PUBCOMP [MQTT-3.7.2-2, MQTT-3.7.2-3]', '62 @ 0001 00 [26 "k" "v"]', 'pubcomp'],
  ] as const)(
    'no Reason String and User Property makes a packet larger than the client takes: %s',
    async (_, packet, cmd) => {
      const client = await narrow()
      client.send(packet)
      const answer = await client.expect({ cmd, messageId: 1 })
      expect(answer.size).toBeLessThanOrEqual(client.maximum)
    },
  )

  it.each([
    ['60', '60 @ 0001'],
    ['61', '61 @ 0001'],
    ['63', '63 @ 0001'],
    ['66', '66 @ 0001'],
    ['6a', '6a @ 0001'],
  ])('PUBREL with the first byte %s closes the connection [MQTT-3.6.1-1]', async (_, packet) => {
    await refused(packet, MALFORMED)
  })

  it.each([
    ['that is empty', '40 00', MALFORMED],
    ['that is cut off', '40 01 00', MALFORMED],
    ['for Packet Identifier 0', '40 02 0000', PROTOCOL_ERROR],
    ['with bytes after its Properties', '40 @ 0001 00 [] 00', MALFORMED],
    ['with a property of another packet', '40 @ 0001 00 [03 "x"]', MALFORMED],
    ['with a Reason String twice', '40 @ 0001 00 [1f "x" 1f "x"]', PROTOCOL_ERROR],
  ])('PUBACK %s is refused', async (_, packet, code) => {
    await refused(packet, code)
  })

  it('the Reason Code may be left out, and the Properties too', async () => {
    const topic = unique()
    const client = await broker.connect()
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    for (const end of ['', ' 00', ' 00 00', ' 00 [1f "fine" 26 "k" "v"]']) {
      await publisher.publish(topic, 'x', { qos: 1 })
      const first = await client.take('publish')
      client.send(`40 @ ${hexId(first.messageId)}${end}`)
      await publisher.publish(topic, 'y', { qos: 2 })
      const second = await client.take('publish')
      client.send(`50 @ ${hexId(second.messageId)}${end}`)
      await client.expect({ cmd: 'pubrel', messageId: second.messageId })
      client.send(`70 @ ${hexId(second.messageId)}${end}`)
      await client.expectNothing()
    }
  })

  it('an acknowledgement of what was never sent does no harm', async () => {
    const client = await broker.connect()
    client.send('40 @ 0007', '70 @ 0008')
    await client.expectNothing()
  })
})

const hexId = (id = 0): string => id.toString(16).padStart(4, '0')
