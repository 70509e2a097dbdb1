import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
/** Section 3.14.2.1, those that a server may send. */
const DISCONNECT_REASON_CODES = [
  0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
  0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
]

const FAULTS = [
  ['a packet type 0', '00 00'],
  ['a second CONNECT', '10 @ "MQTT" 05 02 003c [] "c"'],
  ['an invalid Topic Name', '30 @ "a/#" [] 78'],
  ['an invalid Topic Filter', '82 @ 0001 [] "#/a" 00'],
  ['a Topic Alias of 0', '30 @ "a" [23 0000] 78'],
  ['a packet of a server', '90 @ 0001 [] 00'],
  ['AUTH without a method', 'f0 @ 19 [15 "PLAIN"]'],
] as const

describe.concurrent('3.12 PINGREQ and 3.14 DISCONNECT', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.connect()
    client.send(packet)
    await client.expectDisconnect(...reasonCodes)
  }

  it('PINGREQ is answered with PINGRESP, each one [MQTT-3.12.4-1]', async () => {
    const client = await broker.connect()
    client.send('c0 00', 'c0 00', 'c0 00')
    for (let n = 0; n < 3; n += 1) expect((await client.next()).hex).toBe('d000')
    await client.expectNothing()
  })

  it('PINGREQ with a body is refused', async () => {
    await refused('c0 01 00', MALFORMED)
  })

  it.each([
    ['a Protocol Error', [], '30 @ "a" [] 78'],
    ['a Malformed Packet', ['connack'], '10 @ "MQTT" 05 03 003c [] "c"'],
    ['a Will that is refused', ['connack'], '10 @ "MQTT" 05 06 003c [] "c" [] "#" <>'],
  ])('no DISCONNECT is sent before a CONNACK that accepts: after %s [MQTT-3.14.0-1]', async (_, answers, packet) => {
    const client = await broker.open()
    client.send(packet)
    const packets = (await client.rest()).map(({ cmd }) => cmd)
    expect(packets).toEqual(isOtherBroker ? packets.filter((cmd) => cmd === 'connack') : answers)
  })

  it.each(['e1', 'e2', 'e4', 'e8'])(
    'DISCONNECT with the first byte %s is answered with 0x81 [MQTT-3.14.1-1]',
    async (byte) => {
      await refused(`${byte} 00`, MALFORMED)
    },
  )

  it.each(FAULTS)(
    'after %s DISCONNECT has one of its Reason Codes, no Session Expiry Interval, and is the last packet [MQTT-3.14.2-1, MQTT-3.14.2-2, MQTT-3.14.4-1, MQTT-3.14.4-2]',
    async (_, fault) => {
      const topic = unique()
      const client = await broker.connect({ properties: { sessionExpiryInterval: 600 } })
      await client.subscribe(topic)
      client.send(fault, 'c0 00', `30 @ "${topic}" [] 78`)
      const packets = await client.rest()
      if (isOtherBroker) return
      expect(packets.map(({ cmd }) => cmd)).toEqual(['disconnect'])
      expect(DISCONNECT_REASON_CODES).toContain(packets[0]!.reasonCode)
      expect(packets[0]!.properties).not.toHaveProperty('sessionExpiryInterval')
    },
  )

  it.each([
    ['of the server', 'e0 01 8e'],
    ['of another packet', 'e0 01 01'],
    ['that does not exist', 'e0 01 7f'],
  ])('DISCONNECT with a Reason Code %s is refused [MQTT-3.14.2-1]', async (_, packet) => {
    await refused(packet, PROTOCOL_ERROR, MALFORMED)
  })

  it.each(FAULTS)(
    'after %s DISCONNECT is no larger than the client takes [MQTT-3.14.2-3, MQTT-3.14.2-4]',
    async (_, fault) => {
      const { connack } = await broker.connect({ properties: { maximumPacketSize: 1_000 } })
      const client = await broker.connect({ properties: { maximumPacketSize: connack!.size } })
      client.send(fault)
      const { size } = await client.expectDisconnect(...DISCONNECT_REASON_CODES)
      expect(size).toBeLessThanOrEqual(connack!.size)
    },
  )

  it('the connection is closed when the client has sent DISCONNECT, and nothing more is read [MQTT-3.14.4-2]', async () => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await broker.connect()
    client.send('e0 00', `30 @ "${topic}" [] 78`, 'c0 00')
    await client.expectClosed()
    await watcher.expectNothing()
  })

  it.each([
    ['without a Reason Code', 'e0 00'],
    ['with the Reason Code alone', 'e0 01 00'],
    ['with Properties', 'e0 @ 00 [1f "bye" 26 "k" "v"]'],
  ])('DISCONNECT with 0x00, %s, discards the Will [MQTT-3.14.4-3]', async (_, packet) => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await broker.connect({ will: { topic, payload: 'will', qos: 0, retain: false } })
    await client.disconnect(packet)
    await watcher.expectNothing()
  })

  it('a Session Expiry Interval in DISCONNECT replaces that of CONNECT', async () => {
    const clientId = unique()
    const client = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
    await client.disconnect('e0 @ 00 [11 00000000]')
    const second = await broker.connect({ clientId, clean: false, properties: { sessionExpiryInterval: 1 } })
    expect(second.connack?.sessionPresent).toBe(false)
    await second.disconnect('e0 @ 00 [11 00000258]')
    const third = await broker.connect({ clientId, clean: false })
    expect(third.connack?.sessionPresent).toBe(true)
  })

  it('a Session Expiry Interval in DISCONNECT is a Protocol Error when it was 0 in CONNECT', async () => {
    await refused('e0 @ 00 [11 00000258]', PROTOCOL_ERROR)
  })

  it.each([
    ['a property of another packet', 'e0 @ 00 [21 0001]', MALFORMED],
    ['a property twice', 'e0 @ 00 [1f "a" 1f "b"]', PROTOCOL_ERROR],
    ['bytes after its Properties', 'e0 @ 00 [] 00', MALFORMED],
  ])('DISCONNECT with %s is refused', async (_, packet, code) => {
    await refused(packet, code)
  })

  it.skipIf(isOtherBroker)('a broker that shuts down sends DISCONNECT with 0x8B', async () => {
    const short = await startConformanceBroker()
    const client = await short.connect()
    const received = client.rest()
    await short.stop()
    expect((await received).map(({ cmd, reasonCode }) => [cmd, reasonCode])).toEqual([['disconnect', 0x8b]])
  })
})
