import { describe, expect, it } from 'vitest'
import { after } from '../helpers/after.ts'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'
import { withinRealTime } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'

describe.concurrent('3.1 CONNECT: Keep Alive and properties', () => {
  const broker = conformanceBroker()

  it('a client silent for one and a half times its Keep Alive is cut off with 0x8D [MQTT-3.1.2-22]', async () => {
    const isDue = after(1_450)
    const client = await broker.connect({ keepalive: 1 })
    await client.expectDisconnect(0x8d)
    expect(isDue()).toBe(true)
  })

  it('a client that sends any packet within this time is not cut off [MQTT-3.1.2-22]', withinRealTime, async () => {
    // The connection that is silent shows that the time was over.
    const [silent, client] = [await broker.connect({ keepalive: 1 }), await broker.connect({ keepalive: 1 })]
    const timer = setInterval(() => client.send('30 @ "a" [] 00'), 200)
    await silent.expectDisconnect(0x8d)
    clearInterval(timer)
    await client.expectNothing()
  })

  it('Keep Alive 0 means never [MQTT-3.1.2-22]', async () => {
    const [silent, client] = [await broker.connect({ keepalive: 1 }), await broker.connect({ keepalive: 0 })]
    await silent.expectDisconnect(0x8d)
    await client.expectNothing()
  })

  it('a message larger than Maximum Packet Size is not sent, one as large is [MQTT-3.1.2-24]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { maximumPacketSize: 100 } })
    await client.subscribe(topic, { qos: 2 })
    const publisher = await broker.connect()
    const overhead = packetBytes(`32 @ "${topic}" 0001 []`).length
    const fits = 'x'.repeat(100 - overhead)
    for (const qos of [0, 1, 2] as const) {
      // The packet has two bytes less at QoS 0.
      const more = qos === 0 ? 'xx' : ''
      await publisher.publish(topic, `${fits}${more}y`, { qos })
      await publisher.publish(topic, fits + more, { qos })
      const packet = await client.message({ payload: fits + more, qos })
      expect(packet.size).toBe(100)
    }
    await client.expectNothing()
  })

  it('a client whose Maximum Packet Size is below its CONNACK is refused, with a smaller CONNACK or none [MQTT-3.1.2-24]', async () => {
    // The smallest CONNACK has 5 bytes.
    for (const maximumPacketSize of [1, 4]) {
      const client = await broker.sendConnect({ properties: { maximumPacketSize } })
      await client.expectClosed()
    }
    for (const maximumPacketSize of [5, 6]) {
      const client = await broker.sendConnect({ properties: { maximumPacketSize } })
      expect((await client.expectRefusal(0x95)).size).toBeLessThanOrEqual(maximumPacketSize)
    }
  })

  it('a client that accepts its CONNACK gets every other answer, without Reason Strings [MQTT-3.1.2-24]', async () => {
    // Wills of other tests may come to a topic that they know.
    const topic = unique()
    const { size } = (await broker.connect({ properties: { maximumPacketSize: 1_000 } })).connack!
    const tooNarrow = await broker.sendConnect({ properties: { maximumPacketSize: size - 1 } })
    await tooNarrow.expectRefusal(0x95)
    const client = await broker.connect({ properties: { maximumPacketSize: size } })
    client.send('32 @ "$a" 0001 [] 78', '34 @ "$a" 0002 [] 78', '62 @ 0003', '50 @ 0004', `82 @ 0005 [] "${topic}" 00`)
    await client.expect({ cmd: 'puback', messageId: 1, reasonCode: 0x90, properties: {} })
    await client.expect({ cmd: 'pubrec', messageId: 2, reasonCode: 0x90, properties: {} })
    await client.expect({ cmd: 'pubcomp', messageId: 3, reasonCode: 0x92 })
    await client.expect({ cmd: 'pubrel', messageId: 4, reasonCode: 0x92 })
    await client.expect({ cmd: 'suback', messageId: 5 })
    client.send(`a2 @ 0006 [] "${topic}"`, 'c0 00')
    await client.expect({ cmd: 'unsuback', messageId: 6 })
    await client.expect({ cmd: 'pingresp' })
    client.send('00 00')
    await client.expectDisconnect(0x81)
  })

  it('a message that is too large counts as sent: it takes no place of Receive Maximum, and others get it [MQTT-3.1.2-25]', async () => {
    const topic = unique()
    const clientId = unique()
    const properties = { maximumPacketSize: 100, receiveMaximum: 1, sessionExpiryInterval: 600 }
    const client = await broker.connect({ clientId, properties })
    await client.subscribe(topic, { qos: 1 })
    const other = await broker.connect()
    await other.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    const large = 'x'.repeat(200)
    for (const payload of [large, large, 'small'])
      expect(await publisher.publish(topic, payload)).toMatchObject({ reasonCode: 0 })
    await client.message({ payload: 'small' })
    for (const payload of [large, large, 'small']) await other.message({ payload })
    await client.disconnect()
    const back = await broker.connect({ clientId, clean: false })
    expect(back.connack?.sessionPresent).toBe(true)
    await back.expectNothing()
  })

  it('a message that waited is not sent either when it is too large for the client that comes back [MQTT-3.1.2-24, MQTT-3.1.2-25]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const client = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
    await client.subscribe(topic, { qos: 1 })
    await client.disconnect()
    const publisher = await broker.connect()
    for (const payload of ['x'.repeat(200), 'small']) await publisher.publish(topic, payload)
    const properties = { maximumPacketSize: 100, receiveMaximum: 1, sessionExpiryInterval: 600 }
    const back = await broker.connect({ clientId, clean: false, properties })
    await back.message({ payload: 'small' })
    await back.expectNothing()
  })

  it('a Topic Alias of the broker is at most Topic Alias Maximum [MQTT-3.1.2-26, MQTT-3.3.2-11]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { topicAliasMaximum: 2 } })
    await client.subscribe(`${topic}/#`)
    const publisher = await broker.connect()
    const names = new Map<number, string>()
    const sent: string[] = []
    for (let round = 0; round < 20; round += 1) {
      for (let n = 0; n < 5; n += 1) {
        sent.push(`${topic}/${n}`)
        publisher.sendPublish(`${topic}/${n}`, 'x')
      }
    }
    await publisher.untilPing()
    const received: (string | undefined)[] = []
    for (const packet of await client.untilPing()) {
      const alias = packet.properties.topicAlias
      if (alias !== undefined && packet.topic !== '') names.set(alias, packet.topic!)
      if (alias !== undefined) expect([1, 2]).toContain(alias)
      received.push(packet.topic === '' ? names.get(alias!) : packet.topic)
    }
    expect(received).toEqual(sent)
  })

  it.each([
    ['absent', {}],
    ['zero', { topicAliasMaximum: 0 }],
  ])('no Topic Alias is sent when Topic Alias Maximum is %s [MQTT-3.1.2-27]', async (_, properties) => {
    const topic = unique()
    const client = await broker.connect({ properties })
    await client.subscribe(topic)
    const publisher = await broker.connect()
    for (let n = 0; n < 50; n += 1) publisher.sendPublish(topic, `${n}`)
    await publisher.untilPing()
    const packets = await client.untilPing()
    expect(packets.map(({ payload }) => payload)).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`))
    for (const packet of packets) expect(packet).toMatchObject({ topic, properties: {} })
  })

  it.each([
    ['absent', {}],
    ['0', { requestResponseInformation: false }],
  ])(
    'no Response Information is sent when Request Response Information is %s [MQTT-3.1.2-28]',
    async (_, properties) => {
      const informing = await startConformanceBroker({ handler: { responseInformation: 'answers/' } })
      const client = await informing.connect({ properties })
      expect(client.connack?.properties.responseInformation).toBeUndefined()
      await informing.stop()
    },
  )

  it.skipIf(isOtherBroker)('Response Information is sent to whom asks for it, if there is any', async () => {
    const informing = await startConformanceBroker({ handler: { responseInformation: 'answers/' } })
    const client = await informing.connect({ properties: { requestResponseInformation: true } })
    expect(client.connack?.properties.responseInformation).toMatch(/^answers\//)
    await informing.stop()
  })

  it('with Request Problem Information 0 no Reason String and User Property is sent but in PUBLISH, CONNACK, DISCONNECT [MQTT-3.1.2-29]', async () => {
    const topic = unique()
    const client = await broker.connect({ properties: { requestProblemInformation: false } })
    await client.subscribe(topic)
    client.send(
      '32 @ "$SYS/forbidden" 0001 [] 78',
      '34 @ "$SYS/forbidden" 0002 [] 78',
      `32 @ "${unique()}" 0003 [26 "k" "v"] 78`,
      '62 @ 0009',
      `82 @ 0004 [26 "k" "v"] "$share/${unique()}/${topic}" 02`,
      `a2 @ 0005 [26 "k" "v"] "${unique()}"`,
    )
    for (const cmd of ['puback', 'pubrec', 'puback', 'pubcomp', 'suback', 'unsuback'] as const) {
      const { properties } = await client.take(cmd)
      expect({ cmd, properties }).toEqual({ cmd, properties: {} })
    }
    client.send(`82 @ 0006 [] "${'x'.repeat(10_000)}" 02`)
    expect(await client.take('suback')).toMatchObject({ granted: [0x97], properties: {} })
    client.send(`30 @ "${topic}" [26 "k" "v"] 78`)
    expect((await client.message()).properties.userProperties).toEqual({ k: 'v' })
    client.send('30 @ "" [23 0001] 78')
    expect(await client.take('disconnect')).toMatchObject({ reasonCode: 0x82, properties: {} })
  })

  it('otherwise a Reason String explains a refusal', async () => {
    const client = await broker.connect()
    client.send('32 @ "$SYS/forbidden" 0001 [] 78', '34 @ "$SYS/forbidden" 0002 [] 78')
    client.send(`82 @ 0003 [] "${'x'.repeat(10_000)}" 02 "a" 00`, '30 @ "" [23 0001] 78')
    const reasonString = expect.stringContaining('$')
    expect(await client.take('puback')).toMatchObject({ reasonCode: 0x90, properties: { reasonString } })
    expect(await client.take('pubrec')).toMatchObject({ reasonCode: 0x90, properties: { reasonString } })
    const filterTooLong = { reasonString: 'more than 4096 characters' }
    expect(await client.take('suback')).toMatchObject({ granted: [0x97, 0], properties: filterTooLong })
    const unknownAlias = { reasonString: expect.stringContaining('Topic Alias') }
    expect(await client.take('disconnect')).toMatchObject({ reasonCode: 0x82, properties: unknownAlias })
  })
})
