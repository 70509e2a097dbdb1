/** Attacks on a listener with TLS: each is over, and leaves nothing, while another client is served. */

import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { tls } from '../../components/tls/index.ts'
import type { TlsTransport } from '../../components/tls/tls-transport.ts'
import type { Listener } from '../../src/kinds/listener.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { RealClient } from '../helpers/mqtt-js.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { quietSystem } from '../helpers/start-broker.ts'

const MAXIMUM_HANDSHAKES = 20
const files = new TestFiles()
let authority: string
let serverFiles: object
let system: ReturnType<typeof createSystem>
let secure: TlsTransport
let server: Listener
let bystander: RealClient
const sockets: Socket[] = []

beforeAll(async () => {
  const certificates = await testCertificates()
  authority = certificates.authority.cert
  serverFiles = files.pair('server', certificates.server)
})
afterAll(() => files.remove())
beforeEach(async () => {
  const config = { port: 0, ...serverFiles, maximumHandshakes: MAXIMUM_HANDSHAKES }
  system = createSystem({ ...quietSystem, secure: { component: tls, config, dependencies: { logger: 'logger' } } })
  await system.start()
  ;({ secure, server } = system.map as unknown as { secure: TlsTransport; server: Listener })
  bystander = await RealClient.connect(secure.port, 5, { protocol: 'mqtts', port: secure.port, ...options() } as object)
  await bystander.mqtt.subscribeAsync('bystander')
})
/** After each attack the bystander is served, nothing is left, and the broker stops at once. */
afterEach(async () => {
  await bystander.mqtt.publishAsync('bystander', 'served', { qos: 1 })
  expect((await bystander.next()).payload).toBe('served')
  for (const socket of sockets.splice(0)) socket.destroy()
  await eventually(() => expect([server.connections, secure.handshakes.underWay]).toEqual([1, 0]))
  const left = bystander.event('close')
  await system.stop()
  await left
})

const options = () => ({ host: '127.0.0.1', ca: authority, servername: 'localhost' })
const open = async (): Promise<Socket> => {
  const socket = connectTcp({ port: secure.port, host: '127.0.0.1' }).on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}
const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.resume().once('close', () => resolve()))
const handshake = async (): Promise<{ client: TLSSocket; raw: Socket }> => {
  const raw = await open()
  const client = connect({ ...options(), socket: raw }).on('error', () => undefined)
  await once(client, 'secureConnect')
  return { client, raw }
}

describe('bytes that are no TLS', () => {
  it.each([
    ['MQTT', packetBytes('10 @ "MQTT" 04 02 0000 "plain"')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['zeros', Buffer.alloc(1_000)],
    ['an alert', Buffer.from('15030300020100', 'hex')],
    ['a handshake of nonsense', Buffer.from('160301000aff0000060303ffffffff', 'hex')],
    ['a record of 64 KiB', Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(65_535, 1)])],
  ])('instead of a handshake end the connection: %s', async (_, bytes) => {
    const socket = await open()
    socket.write(bytes)
    await closed(socket)
    await eventually(() => expect(secure.handshakes.failed.protocol).toBe(1))
  })

  it.each([
    ['before CONNECT', false],
    ['of a connected client', true],
  ])('after the handshake end the connection %s, and leave nothing', async (_, connects) => {
    const { client, raw } = await handshake()
    await eventually(() => expect(server.connections).toBe(2))
    if (connects) {
      client.write(packetBytes('10 @ "MQTT" 04 02 0000 "victim"'))
      await once(client, 'data')
    }
    raw.write(Buffer.from('1703030020'.padEnd(74, '0'), 'hex'))
    await eventually(() => expect(server.connections).toBe(1))
  })
})

describe('handshakes', () => {
  it('that never begin are refused and counted beyond maximumHandshakes, and released', async () => {
    const silent: Socket[] = []
    for (let count = 0; count < MAXIMUM_HANDSHAKES; count += 1) silent.push(await open())
    await eventually(() => expect(secure.handshakes.underWay).toBe(MAXIMUM_HANDSHAKES))
    for (let count = 0; count < 30; count += 1) await closed(await open())
    expect(secure.handshakes).toMatchObject({ underWay: MAXIMUM_HANDSHAKES, refused: 30 })
    for (const socket of silent) socket.destroy()
    await eventually(() => expect(secure.handshakes).toMatchObject({ underWay: 0, failed: { closed: 20 } }))
    const { client } = await handshake()
    client.write(packetBytes('10 @ "MQTT" 04 02 0000 "late"'))
    expect((await once(client, 'data'))[0][0]).toBe(0x20)
  })

  it('that break off at any point leave nothing', async () => {
    const hello = await clientHello()
    for (const length of [1, 5, 6, 50, hello.length - 1, hello.length]) {
      const socket = await open()
      socket.write(hello.subarray(0, length))
      await eventually(() => expect(secure.handshakes.underWay).toBe(1))
      if (length === hello.length) await once(socket, 'data')
      socket.destroy()
      await eventually(() => expect(secure.handshakes.underWay).toBe(0))
    }
    expect(secure.handshakes.completed).toBe(1)
  })

  it('that succeed all at once are served', async () => {
    for (let round = 0; round < 2; round += 1) {
      const all = await Promise.all(Array.from({ length: MAXIMUM_HANDSHAKES }, handshake))
      await eventually(() => expect(secure.handshakes.completed).toBe(1 + (round + 1) * MAXIMUM_HANDSHAKES))
      for (const { raw } of all) raw.destroy()
    }
    await eventually(() => expect(secure.handshakes).toMatchObject({ underWay: 0, completed: 41, refused: 0 }))
  })

  /** The first bytes that a client of TLS sends. */
  const clientHello = async (): Promise<Buffer> => {
    const { createServer } = await import('node:net')
    const listening = createServer().listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const { port } = listening.address() as { port: number }
    const client = connect({ ...options(), port }).on('error', () => undefined)
    const [accepted] = (await once(listening, 'connection')) as [Socket]
    const [hello] = await once(accepted, 'data')
    client.destroy()
    accepted.destroy()
    listening.close()
    return hello as Buffer
  }
})
