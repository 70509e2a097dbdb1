import { describe, expect, it } from 'vitest'
import { conformanceBroker, isOtherBroker, unique } from '../helpers/conformance-broker.ts'
import type { ConformanceClient } from '../helpers/conformance-client.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { SCRIPTED } from '../helpers/scripted-authentication.ts'

const MALFORMED = 0x81
const PROTOCOL_ERROR = 0x82
const NOT_AUTHORIZED = 0x87
const BAD_METHOD = 0x8c
const TOO_LARGE = 0x95

const CONTINUE = 0x18
const REAUTHENTICATE = 0x19

// What these prove needs a method of authentication that the tests direct: see scripted-authentication.ts.
describe.skipIf(isOtherBroker).concurrent('3.15 AUTH and 4.12 Enhanced authentication', () => {
  const broker = conformanceBroker({ authentication: true, handler: { connectDeadlineMs: 3_000 } })

  const begin = (data: string, properties: object = {}, clientId = unique()) =>
    broker.sendConnect({
      clientId,
      properties: { authenticationMethod: SCRIPTED, authenticationData: Buffer.from(data), ...properties },
    })
  const auth = (client: ConformanceClient, reasonCode: number, data: string, authenticationMethod = SCRIPTED) =>
    client.send({
      cmd: 'auth',
      reasonCode,
      properties: { authenticationMethod, authenticationData: Buffer.from(data) },
    })
  const connected = async (clientId = unique(), properties: object = {}) => {
    const client = await begin('pass', properties, clientId)
    await client.expect({ cmd: 'connack', reasonCode: 0 })
    return client
  }
  const method = { authenticationMethod: SCRIPTED }

  it('a method that the broker does not have is refused [MQTT-4.12.0-1]', async () => {
    const client = await broker.sendConnect({ properties: { authenticationMethod: 'NONE-SUCH' } })
    await client.expectRefusal(BAD_METHOD, NOT_AUTHORIZED)
  })

  it('the broker asks for more with AUTH 0x18, as often as it likes, then accepts [MQTT-4.12.0-2, MQTT-4.12.0-5, MQTT-3.15.2-1, MQTT-3.2.0-1]', async () => {
    const client = await begin('hello')
    for (const word of ['hello', 'more', 'last']) {
      const { properties } = await client.expect({ cmd: 'auth', reasonCode: CONTINUE, properties: method })
      expect(`${properties.authenticationData}`).toBe(`and after ${word}?`)
      auth(client, CONTINUE, { hello: 'more', more: 'later last', last: 'pass me' }[word]!)
    }
    const { properties } = await client.expect({ cmd: 'connack', reasonCode: 0, properties: method })
    expect(`${properties.authenticationData}`).toBe('welcome')
    await client.expectNothing()
  })

  it('an AUTH of the client with another Reason Code than 0x18 is refused [MQTT-4.12.0-3]', async () => {
    for (const reasonCode of [0x00, REAUTHENTICATE]) {
      const client = await begin('hello')
      await client.take('auth')
      auth(client, reasonCode, 'pass')
      await client.expectRefusal(PROTOCOL_ERROR)
    }
  })

  it('the broker can refuse at any step, and closes the connection [MQTT-4.12.0-4, MQTT-3.1.4-2]', async () => {
    const first = await begin('fail')
    await first.expectRefusal(NOT_AUTHORIZED)
    for (const [data, code] of [
      ['fail', NOT_AUTHORIZED],
      ['later fail', NOT_AUTHORIZED],
      ['break', 0x80],
      ['later break', 0x80],
    ] as const) {
      const client = await begin('hello')
      await client.take('auth')
      auth(client, CONTINUE, data)
      await client.expectRefusal(code)
    }
  })

  it('an AUTH of the client with another method, or none, is refused [MQTT-4.12.0-5]', async () => {
    const other = await begin('hello')
    await other.take('auth')
    auth(other, CONTINUE, 'pass', 'OTHER')
    await other.expectRefusal(PROTOCOL_ERROR)
    const none = await begin('hello')
    await none.take('auth')
    none.send('f0 @ 18 []')
    await none.expectRefusal(PROTOCOL_ERROR)
  })

  it('without a method in CONNECT the broker sends no AUTH and no method [MQTT-4.12.0-6]', async () => {
    const client = await broker.connect()
    expect(client.connack?.properties).not.toHaveProperty('authenticationMethod')
    expect(client.connack?.properties).not.toHaveProperty('authenticationData')
    await client.expectNothing()
  })

  it('without a method in CONNECT an AUTH of the client is refused [MQTT-4.12.0-7]', async () => {
    for (const reasonCode of [CONTINUE, REAUTHENTICATE]) {
      const client = await broker.connect()
      auth(client, reasonCode, 'pass')
      await client.expectDisconnect(PROTOCOL_ERROR)
    }
  })

  it.each([
    ['PUBLISH', '30 @ "a" [] 78'],
    ['SUBSCRIBE', '82 @ 0001 [] "a" 00'],
    ['PINGREQ', 'c0 00'],
    ['CONNECT', '10 @ "MQTT" 05 02 0000 [] "c"'],
  ])(
    '%s before CONNACK is refused, and nothing after it is processed [MQTT-3.1.2-30, MQTT-3.1.4-6]',
    async (_, packet) => {
      const topic = unique()
      const watcher = await broker.connect()
      await watcher.subscribe(topic)
      const client = await begin('hello')
      await client.take('auth')
      client.send(packet, `30 @ "${topic}" [] 78`)
      await client.expectRefusal(PROTOCOL_ERROR)
      await watcher.expectNothing()
    },
  )

  it('what follows a CONNECT that authentication refuses is not processed [MQTT-3.1.4-6]', async () => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await begin('later fail')
    client.send(`30 @ "${topic}" [] 78`, 'c0 00')
    await client.expectRefusal(NOT_AUTHORIZED)
    await watcher.expectNothing()
  })

  it('a client that fails leaves the session and the connection of its Client Identifier alone, and no Will [MQTT-3.1.4-2]', async () => {
    const topic = unique()
    const watcher = await broker.connect()
    await watcher.subscribe(topic)
    const client = await connected()
    const other = await broker.sendConnect({
      clientId: client.clientId,
      properties: { authenticationMethod: SCRIPTED, authenticationData: Buffer.from('fail') },
      will: { topic, payload: 'will', qos: 0, retain: false },
    })
    await other.expectRefusal(NOT_AUTHORIZED)
    await client.expectNothing()
    await watcher.expectNothing()
  })

  it('re-authentication succeeds with AUTH 0x00, after any number of steps, while messages flow [MQTT-4.12.1-1, MQTT-3.15.2-1]', async () => {
    const topic = unique()
    const client = await connected()
    await client.subscribe(topic)
    auth(client, REAUTHENTICATE, 'hello')
    await client.expect({ cmd: 'auth', reasonCode: CONTINUE, properties: method })
    await client.publish(topic, 'x')
    await client.message({ payload: 'x' })
    auth(client, CONTINUE, 'pass')
    const { properties } = await client.expect({ cmd: 'auth', reasonCode: 0, properties: method })
    expect(`${properties.authenticationData}`).toBe('welcome')
    auth(client, REAUTHENTICATE, 'later pass')
    await client.expect({ cmd: 'auth', reasonCode: 0 })
    await client.expectNothing()
  })

  it('re-authentication with another method is refused [MQTT-4.12.1-1]', async () => {
    const client = await connected()
    auth(client, REAUTHENTICATE, 'pass', 'OTHER')
    await client.expectDisconnect(PROTOCOL_ERROR, BAD_METHOD)
  })

  it.each(['fail', 'later fail', 'break', 'pass other'])(
    're-authentication with %s ends with DISCONNECT [MQTT-4.12.1-2]',
    async (data) => {
      const topic = unique()
      const watcher = await broker.connect()
      await watcher.subscribe(topic)
      const client = await connected()
      auth(client, REAUTHENTICATE, data)
      client.send(`30 @ "${topic}" [] 78`)
      await client.expectDisconnect(NOT_AUTHORIZED, 0x80)
      await watcher.expectNothing()
    },
  )

  it.each(['f1', 'f2', 'f4', 'f8'])(
    'AUTH with the first byte %s closes the connection [MQTT-3.15.1-1]',
    async (byte) => {
      const client = await connected()
      client.send(`${byte} @ 19 [15 "${SCRIPTED}"]`)
      await client.expectDisconnect(MALFORMED)
    },
  )

  it.each(['01', '1a', '80'])('AUTH with the Reason Code %s is refused [MQTT-3.15.2-1]', async (code) => {
    const client = await connected()
    client.send(`f0 @ ${code} [15 "${SCRIPTED}"]`)
    await client.expectDisconnect(PROTOCOL_ERROR, MALFORMED)
  })

  it.each([
    ['without a method', 'f0 @ 19 []', PROTOCOL_ERROR],
    ['with a method twice', `f0 @ 19 [15 "${SCRIPTED}" 15 "${SCRIPTED}"]`, PROTOCOL_ERROR],
    ['with a property of another packet', `f0 @ 19 [15 "${SCRIPTED}" 11 00000001]`, MALFORMED],
    ['with bytes after its Properties', `f0 @ 19 [15 "${SCRIPTED}"] 00`, MALFORMED],
  ])('AUTH %s is refused', async (_, packet, code) => {
    const client = await connected()
    client.send(packet)
    await client.expectDisconnect(code)
  })

  it('no Reason String and User Property makes AUTH larger than the client accepts [MQTT-3.15.2-2, MQTT-3.15.2-3]', async () => {
    // As large as the CONNACK that comes in the end, and as AUTH needs to be.
    const plain = await begin('pass', { maximumPacketSize: 1_000 })
    const connack = await plain.expect({ cmd: 'connack', reasonCode: 0 })
    const smallest = packetBytes(`f0 @ 18 [15 "${SCRIPTED}" 16 "and after h?"]`).length
    const maximum = Math.max(connack.size, smallest)
    const client = await begin('h', { maximumPacketSize: maximum })
    expect((await client.expect({ cmd: 'auth', reasonCode: CONTINUE })).size).toBeLessThanOrEqual(maximum)
    auth(client, CONTINUE, 'pass')
    expect((await client.expect({ cmd: 'connack', reasonCode: 0 })).size).toBeLessThanOrEqual(maximum)
  })

  it('no packet during authentication is larger than the client accepts [MQTT-3.1.2-24]', async () => {
    const client = await begin('hello', { maximumPacketSize: 20 })
    expect((await client.expectRefusal(TOO_LARGE)).size).toBeLessThanOrEqual(20)
  })

  it('a client that is not accepted yet sends no larger packets than CONNECT may be, and larger ones afterwards', async () => {
    const announced = 'f0 818004'
    const client = await begin('hello')
    await client.take('auth')
    client.send(announced)
    await client.expectRefusal(TOO_LARGE)
    const accepted = await connected()
    accepted.send(announced, Buffer.alloc(65_537).toString('hex'))
    await accepted.expectDisconnect(PROTOCOL_ERROR, MALFORMED)
  })

  it('a client that accepts no AUTH of this size in its re-authentication is disconnected with the reason [MQTT-3.1.2-24]', async () => {
    const plain = await begin('pass', { maximumPacketSize: 1_000 })
    const { size } = await plain.expect({ cmd: 'connack', reasonCode: 0 })
    for (const [data, fits] of [
      ['x'.repeat(size), false],
      ['x', true],
    ] as const) {
      const client = await begin('pass', { maximumPacketSize: size })
      await client.expect({ cmd: 'connack', reasonCode: 0 })
      auth(client, REAUTHENTICATE, data)
      if (fits) await client.expect({ cmd: 'auth', reasonCode: CONTINUE })
      else await client.expectDisconnect(TOO_LARGE)
    }
  })
})
