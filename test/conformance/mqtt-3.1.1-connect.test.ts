import { describe, expect, it } from 'vitest'
import { after } from '../helpers/after.ts'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConnectOptions } from '../helpers/conformance-client.ts'

describe.concurrent('MQTT 3.1.1: connections and sessions', () => {
  const broker = conformanceBroker()
  const connect = (options: ConnectOptions = {}) => broker.connect({ version: 4, ...options })
  const first = async (...packets: string[]) => {
    const client = await broker.open(4)
    return client.send(...packets)
  }

  it('a first packet that is not CONNECT closes the connection [3.1.1 MQTT-3.1.0-1]', async () => {
    for (const packet of ['c0 00', '30 @ "a" 78', '82 @ 0001 "a" 00', 'e0 00']) {
      await (await first(packet)).expectClosed()
    }
  })

  it('a second CONNECT closes the connection, without a word [3.1.1 MQTT-3.1.0-2]', async () => {
    const client = await connect()
    client.send(`10 @ "MQTT" 04 02 0000 "${client.clientId}"`)
    await client.expectClosed()
  })

  it('another protocol name closes the connection [3.1.1 MQTT-3.1.2-1]', async () => {
    const client = await first('10 @ "MQTX" 04 02 0000 "c"')
    expect(['', '20020001', '2003008400']).toContain(await client.raw.rest())
  })

  it('the reserved flag closes the connection [3.1.1 MQTT-3.1.2-3]', async () => {
    await (await first('10 @ "MQTT" 04 03 0000 "c"')).expectClosed()
  })

  it('Clean Session 0 resumes the session, and says so [3.1.1 MQTT-3.1.2-4, 3.1.1 MQTT-3.1.2-5, 3.1.1 MQTT-3.2.2-2, 3.1.1 MQTT-3.2.2-3]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const client = await connect({ clientId, clean: false })
    expect(client.connack?.hex).toBe('20020000')
    await client.subscribe(topic, { qos: 2 })
    await client.disconnect()
    const publisher = await connect()
    for (const qos of [1, 2] as const) await publisher.publish(topic, `at ${qos}`, { qos })
    const back = await connect({ clientId, clean: false })
    expect(back.connack?.hex).toBe('20020100')
    await back.message({ payload: 'at 1', qos: 1, dup: false })
    await back.message({ payload: 'at 2', qos: 2, dup: false })
  })

  it('a session without Clean Session outlives a connection that breaks [3.1.1 MQTT-3.1.2-5]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const client = await connect({ clientId, clean: false })
    await client.subscribe(topic, { qos: 1 })
    await client.vanish()
    await (await connect()).publish(topic, 'x')
    await (await connect({ clientId, clean: false })).message({ payload: 'x' })
  })

  it('Clean Session 1 begins anew, and what it began ends with the connection [3.1.1 MQTT-3.1.2-6, 3.1.1 MQTT-3.2.2-1]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const stored = await connect({ clientId, clean: false })
    await stored.subscribe(topic, { qos: 1 })
    await stored.disconnect()
    const clean = await connect({ clientId, clean: true })
    expect(clean.connack?.hex).toBe('20020000')
    await clean.publish(topic, 'x')
    await clean.expectNothing()
    await clean.subscribe(topic, { qos: 1 })
    await clean.disconnect()
    const after = await connect({ clientId, clean: false })
    expect(after.connack?.hex).toBe('20020000')
    await after.publish(topic, 'x')
    await after.expectNothing()
  })

  it('retained messages do not end with the session [3.1.1 MQTT-3.1.2-7]', async () => {
    const topic = unique()
    const client = await connect()
    await client.publish(topic, 'kept', { retain: true })
    await client.disconnect()
    const late = await connect()
    await late.subscribe(topic)
    await late.message({ payload: 'kept', retain: true })
  })

  it('the Will is published when the connection breaks, not after DISCONNECT [3.1.1 MQTT-3.1.2-8, 3.1.1 MQTT-3.1.2-10, 3.1.1 MQTT-3.14.4-3]', async () => {
    const topic = unique()
    const watcher = await connect()
    await watcher.subscribe(topic, { qos: 2 })
    for (const qos of [0, 1, 2] as const) {
      const will = { topic, payload: `will ${qos}`, qos, retain: false }
      const leaving = await connect({ will })
      await leaving.disconnect()
      await watcher.expectNothing()
      const vanishing = await connect({ will })
      await vanishing.vanish()
      await watcher.message({ payload: `will ${qos}`, qos, retain: false })
    }
  })

  it('the Will is published also when the session goes on, and when the client breaks the protocol [3.1.1 MQTT-3.1.2-8]', async () => {
    const topic = unique()
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await connect({ clean: false, will: { topic, payload: 'will', qos: 0, retain: false } })
    client.send('00 00')
    await client.expectClosed()
    await watcher.message({ payload: 'will' })
  })

  it('the Will of a client that is taken over is published [3.1.1 MQTT-3.1.2-8]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const watcher = await connect()
    await watcher.subscribe(topic)
    await connect({ clientId, will: { topic, payload: 'will', qos: 0, retain: false } })
    await connect({ clientId })
    await watcher.message({ payload: 'will' })
  })

  it('the Will is retained when Will Retain is 1 [3.1.1 MQTT-3.1.2-16, 3.1.1 MQTT-3.1.2-17]', async () => {
    for (const retain of [true, false]) {
      const topic = unique()
      const watcher = await connect()
      await watcher.subscribe(topic)
      const client = await connect({ will: { topic, payload: 'will', qos: 0, retain } })
      await client.vanish()
      await watcher.message({ payload: 'will', retain: false })
      const late = await connect()
      await late.subscribe(topic)
      expect((await late.untilPing()).map((packet) => packet.retain)).toEqual(retain ? [true] : [])
    }
  })

  it.each([
    ['Will QoS without a Will [3.1.1 MQTT-3.1.2-13]', '10 @ "MQTT" 04 0a 0000 "c"'],
    ['Will QoS 3 [3.1.1 MQTT-3.1.2-14]', '10 @ "MQTT" 04 1e 0000 "c" "w" <78>'],
    ['Will Retain without a Will [3.1.1 MQTT-3.1.2-15]', '10 @ "MQTT" 04 22 0000 "c"'],
    ['the Will Flag without a Will [3.1.1 MQTT-3.1.2-9]', '10 @ "MQTT" 04 06 0000 "c"'],
    ['a User Name without its flag [3.1.1 MQTT-3.1.2-18]', '10 @ "MQTT" 04 02 0000 "c" "user"'],
    ['a User Name Flag without a User Name [3.1.1 MQTT-3.1.2-19]', '10 @ "MQTT" 04 82 0000 "c"'],
    ['a Password without its flag [3.1.1 MQTT-3.1.2-20]', '10 @ "MQTT" 04 82 0000 "c" "user" <70>'],
    ['a Password Flag without a Password [3.1.1 MQTT-3.1.2-21]', '10 @ "MQTT" 04 c2 0000 "c" "user"'],
    ['a Password without a User Name [3.1.1 MQTT-3.1.2-22]', '10 @ "MQTT" 04 42 0000 "c" <70>'],
    ['no Client Identifier [3.1.1 MQTT-3.1.3-3]', '10 @ "MQTT" 04 02 0000'],
    ['a Client Identifier that is not UTF-8 [3.1.1 MQTT-3.1.3-4]', '10 @ "MQTT" 04 02 0000 <63ff>'],
    ['a Will Topic that is not UTF-8 [3.1.1 MQTT-3.1.3-10]', '10 @ "MQTT" 04 06 0000 "c" <77ff> <78>'],
    ['a User Name that is not UTF-8 [3.1.1 MQTT-3.1.3-11]', '10 @ "MQTT" 04 82 0000 "c" <75ff>'],
    ['U+0000 in the Client Identifier [3.1.1 MQTT-1.5.3-2]', '10 @ "MQTT" 04 02 0000 <610062>'],
    ['bytes after its last field [3.1.1 MQTT-3.1.4-1]', '10 @ "MQTT" 04 02 0000 "c" 00'],
  ])('CONNECT with %s: the connection is closed without CONNACK', async (_, packet) => {
    await (await first(packet, 'c0 00')).expectClosed()
  })

  it('a client silent for one and a half times its Keep Alive is cut off, without a word [3.1.1 MQTT-3.1.2-24]', async () => {
    const isDue = after(1_450)
    const client = await connect({ keepalive: 1 })
    await client.expectClosed()
    expect(isDue()).toBe(true)
  })

  it('an empty Client Identifier is unique when Clean Session is 1 [3.1.1 MQTT-3.1.3-6, 3.1.1 MQTT-3.1.3-7]', async () => {
    const clients = [await first('10 @ "MQTT" 04 02 0000 ""'), await first('10 @ "MQTT" 04 02 0000 ""')]
    for (const client of clients) expect((await client.next()).hex).toBe('20020000')
    for (const client of clients) await client.expectNothing()
  })

  it('an empty Client Identifier with Clean Session 0 is refused with 0x02 [3.1.1 MQTT-3.1.3-8, 3.1.1 MQTT-3.2.2-4, 3.1.1 MQTT-3.2.2-5]', async () => {
    const client = await first('10 @ "MQTT" 04 00 0000 ""', 'c0 00')
    expect((await client.expectRefusal(2)).hex).toBe('20020002')
  })

  it.skipIf(isOtherBroker)(
    'a Client Identifier that is not allowed is refused with 0x02 [3.1.1 MQTT-3.1.3-9]',
    async () => {
      const strict = await startConformanceBroker({ handler: { maximumClientIdentifierLength: 23 } })
      const client = await strict.sendConnect({ version: 4, clientId: 'x'.repeat(24) })
      await client.expectRefusal(2)
      await strict.connect({ version: 4, clientId: 'x'.repeat(23) })
      await strict.stop()
    },
  )

  it('a client already connected is disconnected, without a word [3.1.1 MQTT-3.1.4-2]', async () => {
    const clientId = unique()
    const client = await connect({ clientId })
    const second = await connect({ clientId })
    await client.expectClosed()
    await second.expectNothing()
  })

  it('clients of different versions take each other over, with their session', async () => {
    const [clientId, topic] = [unique(), unique()]
    const five = await broker.connect({ clientId, properties: { sessionExpiryInterval: 600 } })
    await five.subscribe(topic, { qos: 1 })
    const four = await connect({ clientId, clean: false })
    await five.expectDisconnect(0x8e)
    expect(four.connack?.sessionPresent).toBe(true)
    await four.publish(topic, 'x')
    await four.message({ payload: 'x' })
    const again = await broker.connect({ clientId, clean: false })
    await four.expectClosed()
    expect(again.connack?.sessionPresent).toBe(true)
  })

  it('what follows a CONNECT that was refused is not processed [3.1.1 MQTT-3.1.4-5]', async () => {
    const topic = unique()
    const watcher = await connect()
    await watcher.subscribe(topic)
    const client = await first('10 @ "MQTT" 04 00 0000 ""', `30 @ "${topic}" 78`)
    await client.expectRefusal(2)
    await watcher.expectNothing()
  })

  it('CONNACK comes first, and has no more than its two bytes [3.1.1 MQTT-3.2.0-1, 3.1.1 MQTT-3.1.4-4]', async () => {
    const client = await first(`10 @ "MQTT" 04 02 0000 "${unique()}"`, 'c0 00')
    expect(await client.raw.receive(6)).toBe('20020000d000')
  })

  it.skipIf(isOtherBroker)(
    'a client that names a user where nobody may is refused with 0x05, or what says the same',
    async () => {
      const strict = await startConformanceBroker({ authentication: true, server: { allowAnonymous: false } })
      const client = await strict.sendConnect({ version: 4, username: 'user', password: Buffer.from('x') })
      await client.expectRefusal(4, 5)
      await strict.stop()
    },
  )

  it.skipIf(isOtherBroker)('a session without Clean Session ends when the broker says so', async () => {
    const short = await startConformanceBroker({ handler: { maximumSessionExpirySeconds: 0 } })
    const clientId = unique()
    await (await short.connect({ version: 4, clientId, clean: false })).disconnect()
    const back = await short.connect({ version: 4, clientId, clean: false })
    expect(back.connack?.sessionPresent).toBe(false)
    await short.stop()
  })
})
