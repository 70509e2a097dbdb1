import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../test/helpers/eventually.ts'
import { PacketServer } from '../../test/helpers/packet-server.ts'
import { type ClientError, type ClientOptions, MqttClient, type ReceivedMessage } from './index.ts'

const CONNACK = '20 03 00 00 00'
const RESUMED = '20 03 01 00 00'

let server: PacketServer
let client: MqttClient
beforeEach(async () => {
  server = await PacketServer.start()
})
afterEach(async () => {
  client.destroy()
  await server.stop()
})

const create = (more: Partial<ClientOptions> = {}): MqttClient =>
  new MqttClient({
    target: { transport: 'tcp', host: '127.0.0.1', port: server.port },
    ...{ protocolVersion: 5, clientId: 'c', cleanStart: true, keepAliveSeconds: 0, connectTimeoutMs: 30_000 },
    ...more,
  })

const RECONNECTS = {
  reconnect: { minimumMs: 1, maximumMs: 1 },
  properties: { sessionExpiryInterval: 100 },
} as const

const connect = async (more: Partial<ClientOptions> = {}, connack = CONNACK) => {
  client = create(more)
  const connected = client.connect()
  const connection = await server.connection()
  connection.send(connack)
  await connected
  return connection
}

const message = (payload: string, qos: 0 | 1 | 2 = 1, retain = false) =>
  ({ topic: 'a', payload: Buffer.from(payload), qos, retain }) as const
/** A PUBLISH packet of `message`, in hex. */
const publish = (first: string, identifier: number, payload: string): string =>
  `${first}07000161${identifier.toString(16).padStart(4, '0')}00${Buffer.from(payload).toString('hex')}`

describe('messages that are sent again after a reconnect', () => {
  test('no more at once than the lower Receive Maximum of the new connection [MQTT-3.3.4-9]', async () => {
    const first = await connect(RECONNECTS)
    const done: string[] = []
    for (const payload of ['1', '2', '3', '4']) void client.publish(message(payload)).then(() => done.push(payload))
    await first.received(5)
    first.socket.destroy()
    const second = await server.connection(2)
    // Session Present, Receive Maximum 2.
    second.send('20 06 01 00 03 21 00 02')
    expect((await second.received(3)).slice(1)).toEqual([publish('3a', 1, '1'), publish('3a', 2, '2')])
    void client.publish(message('5')).then(() => done.push('5'))
    for (const [index, payload] of ['3', '4', '5'].entries()) {
      second.send(`40 02 00 0${index + 1}`)
      await second.received(4 + index)
      // What is new has no DUP.
      expect(second.packets.slice(3 + index)).toEqual([publish(payload === '5' ? '32' : '3a', index + 3, payload)])
    }
    second.send('40 02 00 04', '40 02 00 05')
    await eventually(() => expect(done.length).toBe(5))
    expect(done).toEqual(['1', '2', '3', '4', '5'])
    expect(client.inFlight).toBe(0)
  })

  test('PUBREL does not wait for Receive Maximum, and PUBCOMP makes no room twice', async () => {
    const first = await connect(RECONNECTS)
    const ends = ['1', '2', '3'].map((payload) => client.publish(message(payload, 2)))
    await first.received(4)
    first.send('50 02 00 01', '50 02 00 02')
    expect((await first.received(6)).slice(4)).toEqual(['62020001', '62020002'])
    first.socket.destroy()
    const second = await server.connection(2)
    second.send('20 06 01 00 03 21 00 01')
    expect((await second.received(4)).slice(1)).toEqual(['62020001', '62020002', publish('3c', 3, '3')])
    second.send('70 02 00 01', '70 02 00 02', '50 02 00 03')
    expect((await second.received(5)).slice(4)).toEqual(['62020003'])
    second.send('70 02 00 03')
    for (const end of ends) expect(await end).toMatchObject({ reasonCode: 0 })
  })

  test('those that waited for a place keep their order when Receive Maximum falls', async () => {
    const first = await connect(RECONNECTS, '20 06 00 00 03 21 00 02')
    const ends = ['1', '2', '3', '4', '5'].map((payload) => client.publish(message(payload)))
    await first.received(3)
    first.socket.destroy()
    const second = await server.connection(2)
    second.send('20 06 01 00 03 21 00 01')
    for (const identifier of [1, 2, 3, 4, 5]) {
      await second.received(1 + identifier)
      second.send(`40 02 00 0${identifier}`)
    }
    expect(second.packets.slice(1).map((packet) => Buffer.from(packet, 'hex').at(-1)! - 0x30)).toEqual([1, 2, 3, 4, 5])
    await Promise.all(ends)
  })

  test('a new session: what the broker had received is done, the rest is new to it', async () => {
    const first = await connect(RECONNECTS)
    const released = client.publish(message('1', 2))
    const unknown = client.publish(message('2', 2))
    await first.received(3)
    first.send('50 02 00 01')
    await first.received(4)
    first.socket.destroy()
    const second = await server.connection(2)
    second.send(CONNACK)
    expect((await second.received(2)).slice(1)).toEqual([publish('34', 2, '2')])
    expect(await released).toMatchObject({ reasonCode: 0 })
    second.send('50 03 00 02 97')
    expect(await unknown).toMatchObject({ reasonCode: 0x97 })
  })

  test('what the broker does not take any more is not sent, and its publisher is told', async () => {
    const first = await connect(RECONNECTS)
    const retained = client.publish(message('1', 1, true))
    const plain = client.publish(message('2'))
    await first.received(3)
    first.socket.destroy()
    const second = await server.connection(2)
    // Session Present, Retain Available 0.
    second.send('20 05 01 00 02 25 00')
    await expect(retained).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: 'The broker does not retain messages.',
    })
    expect((await second.received(2)).slice(1)).toEqual([publish('3a', 2, '2')])
    second.send('40 02 00 02')
    await plain
  })
})

describe('while the client is not connected', () => {
  test.each([0, 1] as const)('a message at QoS %i waits for the connection', async (qos) => {
    const retries: ClientError[] = []
    const reconnect = { ...RECONNECTS.reconnect, onRetry: (error: ClientError) => void retries.push(error) }
    const first = await connect({ ...RECONNECTS, reconnect })
    first.socket.resetAndDestroy()
    await eventually(() => expect(retries.length).toBeGreaterThan(0))
    expect(retries[0]!.message).toMatch(/^The connection was lost: (it was reset|.*EPIPE.*)\.$/)
    const end = client.publish(message('1', qos))
    const second = await server.connection(2)
    second.send(RESUMED)
    await second.received(2)
    if (qos === 1) second.send('40 02 00 01')
    expect(await end).toMatchObject({ reasonCode: 0 })
  })

  test('a subscription waits as well, and is made again with its properties when the session is lost', async () => {
    const first = await connect(RECONNECTS)
    const subscribed = client.subscribe([{ filter: 'x', qos: 1, noLocal: true, retainAsPublished: true }], {
      subscriptionIdentifier: 7,
    })
    await first.received(2)
    first.send('90 04 00 01 00 01')
    expect(await subscribed).toEqual([1])
    first.socket.destroy()
    const second = await server.connection(2)
    second.send(CONNACK)
    expect((await second.received(2))[1]).toBe('820900020 20b07000178 0d'.replaceAll(' ', ''))
    // The connection is lost before SUBACK: the next one subscribes again.
    second.socket.destroy()
    const third = await server.connection(3)
    third.send(CONNACK)
    expect((await third.received(2))[1]).toMatch(/^8209.*07000178 ?0d$/)
  })

  test('disconnect ends the attempts to connect again', async () => {
    const lost = new Promise<ClientError>((onRetry) => {
      void connect({ reconnect: { minimumMs: 1_000_000, maximumMs: 1_000_000, onRetry } }).then(({ socket }) =>
        socket.destroy(),
      )
    })
    expect(await lost).toMatchObject({ code: 'LOST', message: 'The broker closed the connection.' })
    expect(await client.disconnect()).toBe(true)
    expect(await client.ended).toMatchObject({ code: 'ENDED' })
    await expect(client.publish(message('1'))).rejects.toMatchObject({ code: 'ENDED' })
  })

  test('a refusal that is not for a time ends the client', async () => {
    const first = await connect({ ...RECONNECTS })
    const end = client.publish(message('1'))
    await first.received(2)
    first.socket.destroy()
    const second = await server.connection(2)
    second.send('20 03 00 87 00')
    expect(await client.ended).toMatchObject({ code: 'REFUSED', reasonCode: 0x87 })
    await expect(end).rejects.toMatchObject({ reasonCode: 0x87 })
  })

  test('a broker that is busy is asked again', async () => {
    const first = await connect(RECONNECTS)
    first.socket.destroy()
    const second = await server.connection(2)
    second.send('20 03 00 89 00')
    const third = await server.connection(3)
    third.send(RESUMED)
    const end = client.publish(message('1'))
    await third.received(2)
    third.send('40 02 00 01')
    await end
  })
})

test('a client that was destroyed before it connected sends nothing', async () => {
  client = create()
  client.destroy()
  await expect(client.connect()).rejects.toMatchObject({ code: 'ENDED' })
  expect(server.connections.every(({ packets }) => packets.length === 0)).toBe(true)
})

test('an undefined return code of MQTT 3.1.1', async () => {
  client = create({ protocolVersion: 4 })
  const connected = client.connect()
  ;(await server.connection()).send('20 02 00 09')
  await expect(connected).rejects.toMatchObject({
    code: 'REFUSED',
    message: 'The broker refused the connection: undefined return code (9).',
  })
})

test.each([
  [5, '100c00044d51545405 26 0000 00 000163', '00 000177 000167'],
  [4, '100c00044d51545404 26 0000 000163', '000177 000167'],
] as const)('CONNECT of version %i with a retained Will', async (protocolVersion, start, will) => {
  client = create({ protocolVersion, will: { topic: 'w', payload: Buffer.from('g'), qos: 0, retain: true } })
  void client.connect().catch(() => {})
  const { packets } = await server.connection()
  const expected = `${start}${will}`.replaceAll(' ', '')
  const length = (expected.length / 2 - 2).toString(16).padStart(2, '0')
  expect(packets[0]).toBe(`10${length}${expected.slice(4)}`)
})

describe('messages from the broker', () => {
  test('one at QoS 2 that comes again before PUBREL is acknowledged again, and not handed over [MQTT-4.3.3-10]', async () => {
    const taken: string[] = []
    const connection = await connect({ onMessage: ({ payload }) => void taken.push(payload.toString()) })
    connection.send('34 07 00 01 61 00 09 00 78', '3c 07 00 01 61 00 09 00 78')
    expect((await connection.received(3)).slice(1)).toEqual(['50020009', '50020009'])
    connection.send('62 02 00 09', '62 02 00 09')
    // The second PUBREL is for nothing: Packet Identifier not found.
    expect((await connection.received(5)).slice(3)).toEqual(['70020009', '7003000992'])
    expect(taken).toEqual(['x'])
  })

  test('is acknowledged when it was taken, and not on a connection that is lost by then', async () => {
    const takes: (() => void)[] = []
    const onMessage = () => new Promise<void>((resolve) => void takes.push(resolve))
    const connection = await connect({ onMessage })
    connection.send('32 07 00 01 61 00 01 00 78', '32 07 00 01 61 00 02 00 79')
    await eventually(() => expect(takes.length).toBe(1))
    expect(connection.packets.length).toBe(1)
    takes[0]!()
    expect((await connection.received(2))[1]).toBe('40020001')
    await eventually(() => expect(takes.length).toBe(2))
    client.destroy()
    takes[1]!()
    await client.ended
    expect(connection.packets.length).toBe(2)
  })

  test('a Topic Alias stands for its Topic Name, until it gets another one', async () => {
    const taken: ReceivedMessage[] = []
    const connection = await connect({
      properties: { topicAliasMaximum: 2 },
      onMessage: (each) => void taken.push(each),
    })
    connection.send('30 08 00 01 61 03 23 00 01 78', '30 07 00 00 03 23 00 01 79')
    connection.send('30 08 00 01 62 03 23 00 01 78', '32 09 00 00 00 01 03 23 00 01 79')
    await connection.received(2)
    expect(taken.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(['a x', 'a y', 'b x', 'b y'])
  })

  test.each([
    ['that stands for nothing', ['30 06 00 00 03 23 00 02'], 'A Topic Alias stands for no Topic Name.'],
    [
      'of Topic Names that are too long together',
      [1, 2].map((alias) =>
        `30 8b b8 02 9c 38 ${'61'.repeat(0x9c38)} 03 23 00 0${alias}`.replace('8b b8 02', 'be b8 02'),
      ),
      'The Topic Names of all Topic Aliases together are too long.',
    ],
  ])('a Topic Alias %s is a fault of the broker', async (_name, packets, text) => {
    const connection = await connect({ properties: { topicAliasMaximum: 2 } })
    connection.send(...packets)
    expect(await client.ended).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining(text) })
  })

  test('PUBREC for a message that was not sent is answered, and ends nothing', async () => {
    const connection = await connect()
    connection.send('50 02 00 05')
    expect((await connection.received(2))[1]).toBe('6203000592')
  })
})
