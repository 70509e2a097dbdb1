import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, unique } from '../helpers/conformance-broker.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const UNSUPPORTED_VERSION = 0x84

describe.concurrent('3.1 CONNECT: its format', () => {
  const broker = conformanceBroker()
  const refused = async (packet: string, ...reasonCodes: number[]) => {
    const client = await broker.open()
    client.send(packet)
    await client.expectRefusal(...reasonCodes)
  }

  /** With CONNACK, in the words of MQTT 5.0 or of MQTT 3, or without. */
  const refusedForItsVersion = async (packet: string) => {
    const client = await broker.open()
    client.send(packet)
    expect(['', '20020001', '2003008400']).toContain(await client.raw.rest())
  }

  it.each([
    ['PUBLISH', '30 @ "a" [] 00'],
    ['SUBSCRIBE', '82 @ 0001 [] "a" 00'],
    ['PINGREQ', 'c0 00'],
    ['DISCONNECT', 'e0 00'],
    ['AUTH', 'f0 @ 18 [15 "PLAIN"]'],
    ['CONNACK', '20 03 000000'],
  ])('a first packet that is %s closes the connection [MQTT-3.1.0-1]', async (_, packet) => {
    const client = await broker.open()
    client.send(packet, '10 @ "MQTT" 05 02 003c [] "c"')
    // Before it was accepted the client can be told nothing, and has asked nothing that CONNACK answers.
    if (isOtherBroker) expect((await client.rest()).filter(({ cmd }) => cmd !== 'connack')).toEqual([])
    else await client.expectClosed()
  })

  it('a second CONNECT is a Protocol Error and closes the connection [MQTT-3.1.0-2]', async () => {
    const client = await broker.connect()
    client.send(`10 @ "MQTT" 05 02 003c [] "${client.clientId}"`)
    await client.expectDisconnect(PROTOCOL_ERROR)
  })

  it('a second CONNECT in the same bytes is a Protocol Error too, and what follows it is not processed [MQTT-3.1.0-2]', async () => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await broker.open()
    const connect = `10 @ "MQTT" 05 02 003c [] "${unique()}"`
    client.send(connect, connect, `30 @ "${topic}" [] 'x'`)
    await client.expect({ cmd: 'connack', reasonCode: 0 })
    await client.expectDisconnect(PROTOCOL_ERROR)
    await watcher.expectNothing()
  })

  it.each([
    ['MQIsdp with the level of 5.0', '10 @ "MQIsdp" 05 02 003c [] "c"'],
    ['mqtt in small letters', '10 @ "mqtt" 05 02 003c [] "c"'],
    ['another name', '10 @ "AMQP" 05 02 003c [] "c"'],
    ['no name', '10 @ "" 05 02 003c [] "c"'],
    ['MQTT and one more letter', '10 @ "MQTTT" 05 02 003c [] "c"'],
  ])('the protocol name %s closes the connection [MQTT-3.1.2-1]', async (_, packet) => {
    await refusedForItsVersion(packet)
  })

  it.each([
    ['0', '10 @ "MQTT" 00 02 003c [] "c"'],
    ['2', '10 @ "MQTT" 02 02 003c [] "c"'],
    ['3, which is that of MQIsdp', '10 @ "MQTT" 03 02 003c [] "c"'],
    ['132, that of a bridge', '10 @ "MQTT" 84 02 003c [] "c"'],
  ])('the protocol version %s closes the connection [MQTT-3.1.2-2]', async (_, packet) => {
    await refusedForItsVersion(packet)
  })

  it.each([
    ['6', '10 @ "MQTT" 06 02 003c [] "c"'],
    ['127', '10 @ "MQTT" 7f 02 003c [] "c"'],
  ])('the protocol version %s is refused with 0x84 [MQTT-3.1.2-2]', async (_, packet) => {
    await refused(packet, UNSUPPORTED_VERSION)
  })

  it('the reserved flag of CONNECT is refused [MQTT-3.1.2-3]', async () => {
    await refused('10 @ "MQTT" 05 03 003c [] "c"', MALFORMED)
  })

  it.each([
    ['nothing of the Will', '10 @ "MQTT" 05 06 003c [] "c"'],
    ['no Will Properties', '10 @ "MQTT" 05 06 003c [] "c" "w" <78>'],
    ['no Will Topic', '10 @ "MQTT" 05 06 003c [] "c" []'],
    ['no Will Payload', '10 @ "MQTT" 05 06 003c [] "c" [] "w"'],
    ['half a Will Payload', '10 @ "MQTT" 05 06 003c [] "c" [] "w" 0002 78'],
  ])('the Will Flag with %s is refused [MQTT-3.1.2-9]', async (_, packet) => {
    await refused(packet, MALFORMED)
  })

  it.each([
    ['Will QoS 1', '10 @ "MQTT" 05 0a 003c [] "c"', MALFORMED],
    ['Will QoS 2', '10 @ "MQTT" 05 12 003c [] "c"', MALFORMED],
  ])('%s without the Will Flag is refused [MQTT-3.1.2-11]', async (_, packet, code) => {
    await refused(packet, code)
  })

  it('Will QoS 3 is refused [MQTT-3.1.2-12]', async () => {
    await refused('10 @ "MQTT" 05 1e 003c [] "c" [] "w" <78>', MALFORMED)
  })

  it('Will Retain without the Will Flag is refused [MQTT-3.1.2-13]', async () => {
    await refused('10 @ "MQTT" 05 22 003c [] "c"', MALFORMED)
  })

  it('a User Name without its flag is refused [MQTT-3.1.2-16]', async () => {
    await refused('10 @ "MQTT" 05 02 003c [] "c" "user"', MALFORMED)
  })

  it('a User Name Flag without a User Name is refused [MQTT-3.1.2-17]', async () => {
    await refused('10 @ "MQTT" 05 82 003c [] "c"', MALFORMED)
  })

  it('a Password without its flag is refused [MQTT-3.1.2-18]', async () => {
    await refused('10 @ "MQTT" 05 82 003c [] "c" "user" <70>', MALFORMED)
  })

  it('a Password Flag without a Password is refused [MQTT-3.1.2-19]', async () => {
    await refused('10 @ "MQTT" 05 c2 003c [] "c" "user"', MALFORMED)
  })

  it('a Password may come without a User Name, and be of any bytes', async () => {
    const client = await broker.open()
    client.send(`10 @ "MQTT" 05 42 003c [] "${unique()}" <00ff>`)
    await client.expect({ cmd: 'connack', reasonCode: 0 })
  })

  it('the fields are read in their order: Client Identifier, Will, User Name, Password [MQTT-3.1.3-1]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await broker.open()
    client.send(`10 @ "MQTT" 05 c6 0000 [] "${clientId}" [03 "will"] "${topic}" <70> "user" <71>`)
    await client.expect({ cmd: 'connack', reasonCode: 0 })
    await client.vanish()
    expect((await watcher.message({ topic, payload: 'p' })).properties).toEqual({ contentType: 'will' })
    // The first field was the Client Identifier: the same one takes over.
    const [first, second] = [await broker.connect({ clientId }), await broker.connect({ clientId })]
    await first.rest()
    await second.expectNothing()
  })

  it('no Client Identifier is refused [MQTT-3.1.3-3]', async () => {
    await refused('10 @ "MQTT" 05 02 003c []', MALFORMED)
  })

  it('a Client Identifier that is not UTF-8 is refused [MQTT-3.1.3-4]', async () => {
    await refused('10 @ "MQTT" 05 02 003c [] <63ff>', MALFORMED, 0x85)
  })

  it('a Will Topic that is not UTF-8 is refused [MQTT-3.1.3-11]', async () => {
    await refused('10 @ "MQTT" 05 06 003c [] "c" [] <77ff> <78>', MALFORMED)
  })

  it('a User Name that is not UTF-8 is refused [MQTT-3.1.3-12]', async () => {
    await refused('10 @ "MQTT" 05 82 003c [] "c" <75ff>', MALFORMED)
  })

  it.each([
    ['that ends before the Keep Alive', '10 @ "MQTT" 05 02', MALFORMED],
    ['with bytes after its last field', '10 @ "MQTT" 05 02 003c [] "c" 00', MALFORMED],
    ['with Properties past its end', '10 @ "MQTT" 05 02 003c 7f "c"', MALFORMED],
    ['with a property that does not exist', '10 @ "MQTT" 05 02 003c [7e 01] "c"', MALFORMED],
    ['with a property of another packet', '10 @ "MQTT" 05 02 003c [24 01] "c"', MALFORMED],
    ['with a property of the Will', '10 @ "MQTT" 05 02 003c [18 00000001] "c"', MALFORMED],
    ['with a property twice', '10 @ "MQTT" 05 02 003c [11 00000001 11 00000001] "c"', PROTOCOL_ERROR],
    ['with Receive Maximum 0', '10 @ "MQTT" 05 02 003c [21 0000] "c"', PROTOCOL_ERROR],
    ['with Maximum Packet Size 0', '10 @ "MQTT" 05 02 003c [27 00000000] "c"', PROTOCOL_ERROR],
    ['with Request Response Information 2', '10 @ "MQTT" 05 02 003c [19 02] "c"', PROTOCOL_ERROR],
    ['with Request Problem Information 2', '10 @ "MQTT" 05 02 003c [17 02] "c"', PROTOCOL_ERROR],
    ['with Authentication Data and no Method', '10 @ "MQTT" 05 02 003c [16 <00>] "c"', PROTOCOL_ERROR],
    ['with a Will property twice', '10 @ "MQTT" 05 06 003c [] "c" [01 00 01 00] "w" <>', PROTOCOL_ERROR],
    ['with a Will Payload Format 2', '10 @ "MQTT" 05 06 003c [] "c" [01 02] "w" <>', PROTOCOL_ERROR],
    ['with an empty Will Topic', '10 @ "MQTT" 05 06 003c [] "c" [] "" <>', 0x82],
    ['with a wildcard in the Will Topic', '10 @ "MQTT" 05 06 003c [] "c" [] "a/+" <>', 0x90],
  ])('CONNECT %s is refused, and the connection closed [MQTT-3.1.4-1]', async (_, packet, code) => {
    await refused(packet, code)
  })

  it.each([
    ['that is empty', '10 00'],
    ['that ends in the protocol name', "10 @ 0004 'MQ'"],
    ['that ends before its version', '10 @ "MQTT"'],
  ])('CONNECT %s closes the connection [MQTT-3.1.4-1]', async (_, packet) => {
    const client = await broker.open()
    client.send(packet)
    // No version tells in which form CONNACK should be.
    await client.expectClosed()
  })

  it('what follows a CONNECT that was refused is not processed [MQTT-3.1.4-6]', async () => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await broker.open()
    client.send('10 @ "MQTT" 05 03 003c [] "c"', `32 @ "${topic}" 0001 [] 'x'`, '82 @ 0001 [] "a" 00', 'c0 00')
    await client.expectRefusal(MALFORMED)
    await watcher.expectNothing()
  })

  it('a CONNECT that was refused leaves the session and the connection of its Client Identifier alone [MQTT-3.1.4-1]', async () => {
    const client = await broker.connect()
    const other = await broker.open()
    other.send(`10 @ "MQTT" 05 02 003c [21 0000] "${client.clientId}"`)
    await other.expectRefusal(PROTOCOL_ERROR)
    await client.expectNothing()
  })
})
