import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, startConformanceBroker, unique } from '../helpers/conformance-broker.ts'

const SESSION = { sessionExpiryInterval: 600 }

describe.concurrent('3.1 CONNECT: the session', () => {
  const broker = conformanceBroker()

  it('Clean Start 1 discards the session with its subscriptions and messages [MQTT-3.1.2-4, MQTT-3.1.4-4]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const first = await broker.connect({ clientId, properties: SESSION })
    await first.subscribe(topic, { qos: 1 })
    await first.disconnect()
    const publisher = await broker.connect()
    await publisher.publish(topic, 'while away')
    const second = await broker.connect({ clientId, clean: true, properties: SESSION })
    expect(second.connack?.sessionPresent).toBe(false)
    await publisher.publish(topic, 'after')
    await second.expectNothing()
    // A new session began: it can be resumed.
    await second.disconnect()
    const third = await broker.connect({ clientId, clean: false, properties: SESSION })
    expect(third.connack?.sessionPresent).toBe(true)
    await third.expectNothing()
  })

  it('Clean Start 0 resumes the session with its subscriptions and messages [MQTT-3.1.2-5, MQTT-3.1.2-23]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const first = await broker.connect({ clientId, clean: false, properties: SESSION })
    await first.subscribe(topic, { qos: 1 })
    await first.disconnect()
    const publisher = await broker.connect()
    await publisher.publish(topic, 'while away')
    const second = await broker.connect({ clientId, clean: false, properties: SESSION })
    expect(second.connack?.sessionPresent).toBe(true)
    await second.message({ topic, payload: 'while away', qos: 1, dup: false })
    await publisher.publish(topic, 'after')
    await second.message({ topic, payload: 'after' })
  })

  it('a session outlives a connection that breaks, too [MQTT-3.1.2-23]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const first = await broker.connect({ clientId, properties: SESSION })
    await first.subscribe(topic, { qos: 2 })
    await first.vanish()
    await (await broker.connect()).publish(topic, 'while away', { qos: 2 })
    const second = await broker.connect({ clientId, clean: false, properties: SESSION })
    expect(second.connack?.sessionPresent).toBe(true)
    await second.message({ payload: 'while away', qos: 2 })
  })

  it('Clean Start 0 without a session begins one [MQTT-3.1.2-6]', async () => {
    const clientId = unique()
    const first = await broker.connect({ clientId, clean: false, properties: SESSION })
    expect(first.connack?.sessionPresent).toBe(false)
    await first.disconnect()
    const second = await broker.connect({ clientId, clean: false, properties: SESSION })
    expect(second.connack?.sessionPresent).toBe(true)
  })

  it('the Client Identifier, and it alone, tells sessions apart [MQTT-3.1.3-2]', async () => {
    const [one, other, topic] = [unique(), unique(), unique()]
    const first = await broker.connect({ clientId: one, properties: SESSION, username: 'u' })
    await first.subscribe(topic, { qos: 1 })
    await first.disconnect()
    const second = await broker.connect({ clientId: other, clean: false, properties: SESSION, username: 'u' })
    expect(second.connack?.sessionPresent).toBe(false)
    const third = await broker.connect({ clientId: one.toUpperCase(), clean: false, properties: SESSION })
    expect(third.connack?.sessionPresent).toBe(false)
    const fourth = await broker.connect({ clientId: one, clean: false, properties: SESSION })
    expect(fourth.connack?.sessionPresent).toBe(true)
  })

  it.each(['z', '0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ'])(
    'the Client Identifier %s is allowed [MQTT-3.1.3-5]',
    async (clientId) => {
      const client = await broker.connect({ clientId })
      expect(client.connack?.properties.assignedClientIdentifier).toBeUndefined()
    },
  )

  it.each([true, false])(
    'an empty Client Identifier gets one of its own, with Clean Start %s [MQTT-3.1.3-6, MQTT-3.1.3-7, MQTT-3.2.2-16]',
    async (clean) => {
      const connect = `10 @ "MQTT" 05 ${clean ? '02' : '00'} 0000 [11 00000258] ""`
      const [first, second] = [await broker.open(), await broker.open()]
      const ids = []
      for (const client of [first, second]) {
        const connack = await client.send(connect).expect({ cmd: 'connack', reasonCode: 0, sessionPresent: false })
        ids.push(connack.properties.assignedClientIdentifier)
      }
      expect(ids).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)])
      expect(ids[0]).not.toBe(ids[1])
      // As if the client had provided it: its session is found under that name.
      const topic = unique()
      await first.subscribe(topic, { qos: 1 })
      await first.disconnect()
      await second.publish(topic, 'while away')
      const again = await broker.connect({ clientId: ids[0]!, clean: false, properties: SESSION })
      expect(again.connack?.sessionPresent).toBe(true)
      expect(again.connack?.properties.assignedClientIdentifier).toBeUndefined()
      await again.message({ topic, payload: 'while away' })
    },
  )

  it.skipIf(isOtherBroker)('a Client Identifier that is not allowed is refused with 0x85 [MQTT-3.1.3-8]', async () => {
    const strict = await startConformanceBroker({ handler: { maximumClientIdentifierLength: 23 } })
    const client = await strict.sendConnect({ clientId: 'x'.repeat(24) })
    await client.expectRefusal(0x85)
    await strict.connect({ clientId: 'x'.repeat(23) })
    await strict.stop()
  })

  it('a client already connected gets DISCONNECT 0x8E, and its connection is closed [MQTT-3.1.4-3]', async () => {
    const clientId = unique()
    const first = await broker.connect({ clientId })
    const second = await broker.connect({ clientId })
    await first.expectDisconnect(0x8e)
    await second.expectNothing()
  })

  it('a takeover with Clean Start 0 continues the session [MQTT-3.1.4-3]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const first = await broker.connect({ clientId, properties: SESSION })
    await first.subscribe(topic, { qos: 1 })
    const publisher = await broker.connect()
    await publisher.publish(topic, 'unacknowledged')
    const { messageId } = await first.take('publish')
    const second = await broker.connect({ clientId, clean: false, properties: SESSION })
    await first.expectDisconnect(0x8e)
    expect(second.connack?.sessionPresent).toBe(true)
    await second.message({ payload: 'unacknowledged', dup: true, messageId })
    await publisher.publish(topic, 'after')
    await second.message({ payload: 'after' })
  })

  it('a takeover with Clean Start 1 ends the session [MQTT-3.1.4-4]', async () => {
    const [clientId, topic] = [unique(), unique()]
    const first = await broker.connect({ clientId, properties: SESSION })
    await first.subscribe(topic, { qos: 1 })
    const second = await broker.connect({ clientId, clean: true })
    await first.expectDisconnect(0x8e)
    expect(second.connack?.sessionPresent).toBe(false)
    await (await broker.connect()).publish(topic, 'for nobody')
    await second.expectNothing()
  })

  it('CONNECT is acknowledged with CONNACK 0x00 [MQTT-3.1.4-5]', async () => {
    const client = await broker.sendConnect()
    await client.expect({ cmd: 'connack', reasonCode: 0 })
  })

  it('the order of User Properties of the Will is kept [MQTT-3.1.3-10]', async () => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const pairs = '26 "b" "1" 26 "a" "2" 26 "b" "3" 26 "" "" 26 "a" "2"'
    const client = await broker.open()
    client.send(`10 @ "MQTT" 05 06 0000 [] "${unique()}" [${pairs}] "${topic}" <78>`)
    await client.take('connack')
    await client.vanish()
    const expected = [...pairs.matchAll(/26 "(.*?)" "(.*?)"/g)].map(([, name, value]) => `${hex(name)}${hex(value)}`)
    expect((await watcher.message()).hex).toContain(expected.map((pair) => `26${pair}`).join(''))
  })
})

const hex = (text = ''): string => text.length.toString(16).padStart(4, '0') + Buffer.from(text).toString('hex')
