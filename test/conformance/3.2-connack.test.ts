import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

const MALFORMED = 0x81

const REFUSED = [
  ['a reserved flag', MALFORMED, '10 @ "MQTT" 05 03 003c [] "c"'],
  ['another version', 0x84, '10 @ "MQTT" 06 02 003c [] "c"'],
  ['an ill-formed Client Identifier', MALFORMED, '10 @ "MQTT" 05 02 003c [] <ff>'],
  ['a property twice', 0x82, '10 @ "MQTT" 05 02 003c [21 0001 21 0001] "c"'],
  ['a wildcard in the Will Topic', 0x90, '10 @ "MQTT" 05 06 003c [] "c" [] "#" <>'],
  ['an unknown Authentication Method', 0x8c, '10 @ "MQTT" 05 02 003c [15 "NONE-SUCH"] "c"'],
] as const

describe.concurrent('3.2 CONNACK', () => {
  const broker = conformanceBroker()

  it('comes before anything else, also what waited for the session [MQTT-3.2.0-1]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const properties = { sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties })
    await client.subscribe(topic, { qos: 1 })
    await client.disconnect()
    await (await broker.connect()).publish(topic, 'while away')
    const back = await broker.sendConnect({ clientId, clean: false, properties })
    back.send('c0 00')
    const packets = [await back.next(), await back.next(), await back.next()]
    expect(packets[0]).toMatchObject({ cmd: 'connack', reasonCode: 0 })
    expect(
      packets
        .slice(1)
        .map(({ cmd }) => cmd)
        .sort(),
    ).toEqual(['pingresp', 'publish'])
  })

  it('comes once, after a Protocol Error too [MQTT-3.2.0-2]', async () => {
    const client = await broker.open()
    client.send(`10 @ "MQTT" 05 02 003c [] "${unique()}"`, '82 @ 0001 [] "a" 00', '10 @ "MQTT" 05 02 003c [] "c"')
    const packets = await client.rest()
    expect(packets.filter(({ cmd }) => cmd === 'connack')).toHaveLength(1)
  })

  it('has flags of 0, and only Session Present may be 1 [MQTT-3.2.2-1]', async () => {
    const clientId = unique()
    const properties = { sessionExpiryInterval: 600 }
    const first = await broker.connect({ clientId, properties })
    await first.disconnect()
    const second = await broker.connect({ clientId, properties, clean: false })
    expect([first, second].map(({ connack }) => flagsOf(connack!.hex))).toEqual(['00', '01'])
    const refused = await broker.open()
    refused.send(REFUSED[0][2])
    expect(flagsOf((await refused.expectRefusal(MALFORMED)).hex)).toBe('00')
  })

  it('says that no session is present when Clean Start is 1 [MQTT-3.2.2-2]', async () => {
    const clientId = unique()
    for (let n = 0; n < 2; n += 1) {
      const client = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
      expect(client.connack).toMatchObject({ sessionPresent: false, reasonCode: 0 })
      await client.disconnect()
    }
  })

  it('says whether a session is present when Clean Start is 0 [MQTT-3.2.2-3]', async () => {
    const clientId = unique()
    for (const sessionPresent of [false, true, true]) {
      const client = await broker.connect({ clientId, clean: false, properties: { sessionExpiryInterval: 600 } })
      expect(client.connack).toMatchObject({ sessionPresent, reasonCode: 0 })
      await client.disconnect()
    }
    // The session ended with the last connection, since that one asked for it.
    const last = await broker.connect({ clientId, clean: false })
    expect(last.connack).toMatchObject({ sessionPresent: true })
    await last.disconnect()
    const after = await broker.connect({ clientId, clean: false })
    expect(after.connack).toMatchObject({ sessionPresent: false })
  })

  it('with a failure says that no session is present, even if there is one [MQTT-3.2.2-6]', async () => {
    const clientId = unique()
    const properties = { sessionExpiryInterval: 600 }
    await (await broker.connect({ clientId, properties })).disconnect()
    const refused = await broker.open()
    refused.send(`10 @ "MQTT" 05 04 0000 [] "${clientId}" [] "#" <>`)
    await refused.expectRefusal(0x90)
    expect((await broker.connect({ clientId, properties, clean: false })).connack?.sessionPresent).toBe(true)
  })

  it.each(REFUSED)(
    'with a failure, for %s, closes the connection [MQTT-3.2.2-7, MQTT-3.2.2-8]',
    async (_, code, packet) => {
      const client = await broker.open()
      client.send(packet, 'c0 00')
      await client.expectRefusal(code)
    },
  )

  it.each(['1f "reason"', '26 "k" "v"'])(
    'has no property that makes it larger than Maximum Packet Size [MQTT-3.2.2-19, MQTT-3.2.2-20]',
    async (property) => {
      const length = packetBytes('20 @ 00 84 []').length
      expect(packetBytes(`20 @ 00 84 [${property}]`).length).toBeGreaterThan(length)
      // Refused for its Will: a broker that gives reasons would give one here.
      const client = await broker.open()
      client.send(`10 @ "MQTT" 05 06 003c [27 ${hex32(length)}] "${unique()}" [] "#" <>`)
      expect((await client.expectRefusal(0x90)).size).toBeLessThanOrEqual(length)
    },
  )

  it('has no Server Keep Alive if that of the client applies [MQTT-3.2.2-22]', async () => {
    const client = await broker.connect({ keepalive: 1 })
    expect(client.connack?.properties.serverKeepAlive).toBeUndefined()
    await client.expectDisconnect(0x8d)
  })

  it.skipIf(isOtherBroker)('has Server Keep Alive if that of the client is too long, and applies it', async () => {
    const strict = await startConformanceBroker({ handler: { maximumKeepAliveSeconds: 1 } })
    for (const keepalive of [0, 600]) {
      const client = await strict.connect({ keepalive })
      expect(client.connack?.properties.serverKeepAlive).toBe(1)
      if (keepalive === 0) await client.expectDisconnect(0x8d)
    }
    await strict.stop()
  })

  it.skipIf(isOtherBroker)('has Session Expiry Interval if that of the client is too long', async () => {
    const strict = await startConformanceBroker({ handler: { maximumSessionExpirySeconds: 10 } })
    const long = await strict.connect({ properties: { sessionExpiryInterval: 600 } })
    expect(long.connack?.properties.sessionExpiryInterval).toBe(10)
    const short = await strict.connect({ properties: { sessionExpiryInterval: 10 } })
    expect(short.connack?.properties.sessionExpiryInterval).toBeUndefined()
    await strict.stop()
  })

  it('has no property for limits that equal those of the specification', async () => {
    const { properties } = (await broker.connect()).connack!
    expect(properties).not.toHaveProperty('maximumQoS')
    expect(properties.retainAvailable ?? true).toBe(true)
    expect(properties.wildcardSubscriptionAvailable ?? true).toBe(true)
    expect(properties.sharedSubscriptionAvailable ?? true).toBe(true)
    expect(properties.subscriptionIdentifiersAvailable ?? true).toBe(true)
    expect(properties).not.toHaveProperty('assignedClientIdentifier')
    expect(properties).not.toHaveProperty('authenticationMethod')
  })
})

/** The Connect Acknowledge Flags of a CONNACK shorter than 130 bytes. */
const flagsOf = (hex: string): string => hex.slice(4, 6)

const hex32 = (value: number): string => value.toString(16).padStart(8, '0')
