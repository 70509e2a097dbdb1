import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LocalBroker } from '../../components/broker/local-broker.ts'
import { after } from '../helpers/after.ts'
import { eventually } from '../helpers/eventually.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { type Broker, quietSystem, startBroker, withConfig } from '../helpers/start-broker.ts'

// Packets of MQTT 3.1.1 as hex.
const connectWith = (flags: string, keepAlive: string, clientId = 'a') =>
  `10${hexByte(12 + clientId.length)} 00044d515454 04 ${flags} ${keepAlive} 00${hexByte(clientId.length)} ${Buffer.from(clientId).toString('hex')}`
const hexByte = (value: number) => value.toString(16).padStart(2, '0')
const CONNECT = connectWith('02', '0000')
const CONNACK = '20020000'
const PINGREQ = 'c000'
const PINGRESP = 'd000'
const SUBSCRIBE_A = '8206 0001 0001 61 00'
const SUBACK = '9003000100'
const PUBLISH_A = '3004 0001 61 78'

describe('connections', () => {
  let broker: Broker
  beforeEach(async () => {
    broker = await startBroker()
  })
  afterEach(() => broker.stop())

  const open = (...hex: string[]) => RawClient.connect(broker.port).then((client) => client.send(...hex))
  const connected = async (clientId = 'a') => {
    const client = await open(connectWith('02', '0000', clientId))
    expect(await client.frame()).toBe(CONNACK)
    return client
  }

  it('are served while their bytes come one by one', async () => {
    const client = await open()
    for (const byte of Buffer.from((CONNECT + PINGREQ).replaceAll(' ', ''), 'hex')) client.socket.write(Buffer.of(byte))
    expect(await client.receive(6)).toBe(CONNACK + PINGRESP)
  })

  it('are answered in order when the packets come all at once, and closed after DISCONNECT', async () => {
    const client = await open(CONNECT, SUBSCRIBE_A, PUBLISH_A, PINGREQ, 'e000', PUBLISH_A)
    expect(await client.rest()).toBe(CONNACK + SUBACK + PUBLISH_A.replaceAll(' ', '') + PINGRESP)
  })

  it('are answered to the end when the client closes its side right after sending', async () => {
    const client = await open(CONNECT, PINGREQ)
    client.socket.end()
    expect(await client.rest()).toBe(CONNACK + PINGRESP)
  })

  it('are taken over by another with the same Client Identifier [MQTT-3.1.4-2]', async () => {
    const first = await connected('same')
    const second = await connected('same')
    await first.closed
    expect(await second.send(PINGREQ).frame()).toBe(PINGRESP)
  })

  it.each([
    [
      'a level of the future',
      '100d 00044d515454 06 02 0000 0001 61',
      `202c0084291f0026${Buffer.from('The Protocol Version is not supported.').toString('hex')}`,
    ],
    ['another protocol', '100d 00044e415454 04 02 0000 0001 61', ''],
    ['a session to be kept without a Client Identifier', connectWith('00', '0000', ''), '20020002'],
    ['a will at QoS 3', '1013 00044d515454 04 1e 0000 0001 61 0001 74 0001 6d', ''],
    ['a PUBLISH before CONNECT', PUBLISH_A, ''],
    ['bytes that are no MQTT', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'), ''],
    ['a CONNECT packet of 256 MB', '10ffffff7f 00044d515454', ''],
  ])('with %s are closed, with the answer that is due', async (_, hex, answer) => {
    const other = await connected('other')
    const client = await open(hex)
    expect(await client.rest()).toBe(answer)
    expect(await other.send(PINGREQ).frame()).toBe(PINGRESP)
  })

  it.each([
    ['a second CONNECT', CONNECT],
    ['a PUBLISH to a wildcard', '3004 0001 23 78'],
    ['a SUBSCRIBE with reserved flags', '8006 0001 0001 61 00'],
    ['a CONNACK', CONNACK],
    ['an AUTH', 'f000'],
  ])('are closed after %s, and other connections are not', async (_, hex) => {
    const other = await connected('other')
    other.send(SUBSCRIBE_A)
    expect(await other.frame()).toBe(SUBACK)
    const client = await connected()
    client.send(hex, PUBLISH_A)
    expect(await client.rest()).toBe('')
    expect(await other.send(PINGREQ).frame()).toBe(PINGRESP)
  })

  it('are closed when the client is silent for one and a half times its Keep Alive [MQTT-3.1.2-24]', async () => {
    const isDue = after(1_450)
    const client = await open(connectWith('02', '0001'))
    expect(await client.rest()).toBe(CONNACK)
    expect(isDue()).toBe(true)
  })

  it('are closed when CONNECT does not come, or does not end', async () => {
    await broker.stop()
    broker = await startBroker({
      ...quietSystem,
      ...withConfig({ connectDeadlineMs: 100 }),
    })
    const clients = await Promise.all([open(), open(CONNECT.slice(0, 20))])
    for (const client of clients) expect(await client.rest()).toBe('')
  })

  it('end when the broker stops, in any state, and leave nothing behind', async () => {
    const clients = await Promise.all([open(), open('10'), connected('1'), connected('2')])
    clients[3]!.send(SUBSCRIBE_A)
    expect(await clients[3]!.frame()).toBe(SUBACK)
    const { server, router } = broker.map
    const { sessions } = (broker.map.broker as LocalBroker).core
    await eventually(() => expect(server.connections).toBe(clients.length))
    expect([sessions.count, router.subscriptions]).toEqual([2, 1])
    let closed = 0
    for (const client of clients) void client.closed.then(() => (closed += 1))
    expect(closed).toBe(0)
    await broker.stop()
    // MQTT 3.1.1 has no packet that tells a client why.
    expect(await Promise.all(clients.map((client) => client.rest()))).toEqual(['', '', '', ''])
    expect([server.connections, sessions.count, router.subscriptions]).toEqual([0, 0, 0])
    broker = await startBroker()
  })
})
