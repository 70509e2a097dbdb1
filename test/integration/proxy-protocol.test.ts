/** The PROXY protocol in front of MQTT, over real sockets. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as secureConnect } from 'node:tls'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { tcp } from '../../components/tcp/index.ts'
import type { TcpListener } from '../../components/tcp/tcp-listener.ts'
import { tls } from '../../components/tls/index.ts'
import type { TlsTransport } from '../../components/tls/tls-transport.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import { Logger } from '../../src/kinds/logger.ts'
import { defineComponent } from '../../src/system/define-system.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { proxyHeader } from '../helpers/proxy-header.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { WebSocketClient } from '../helpers/web-socket-client.ts'

const CONNECT = packetBytes('10 @ "MQTT" 04 02 003c "pump"')
const CONNACK = '20020000'
const V1 = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 5123 1883\r\n')

let system: ReturnType<typeof createSystem>
let log: RecordingLogger
const sockets: Socket[] = []
const start = async (config: object = {}, more: object = {}) => {
  log = new RecordingLogger()
  const logger = defineComponent({ provides: Logger, needs: {}, config: z.strictObject({}), start: () => log })
  const proxied = { trusted: ['127.0.0.1'], ...config }
  system = createSystem({
    ...quietSystem,
    logger: { component: logger },
    proxied: {
      component: tcp,
      config: { port: 0, allowAnonymous: true, proxyProtocol: proxied },
      dependencies: { logger: 'logger' },
    },
    ...more,
  })
  await system.start()
  // Among them is a warning that everyone may connect.
  log.lines.length = 0
}
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await system.stop()
})
const listener = () => (system.map as unknown as { proxied: TcpListener }).proxied
const server = () => (system.map as unknown as { server: { connections: number } }).server
const broker = () => (system.map as unknown as { broker: { clients(): Iterable<object> } }).broker
const client = () => [...broker().clients()][0] as { peer: object } | undefined

const open = async (port = listener().port): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  sockets.push(socket.on('error', () => undefined))
  await once(socket, 'connect')
  return socket.setNoDelay(true)
}
const closed = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve).once('end', resolve))

describe('a client behind a proxy', () => {
  beforeEach(() => start())

  it.each([
    ['version 1', V1, {}],
    ['version 2', proxyHeader(), {}],
    [
      'version 2, with TLS in front of the proxy',
      proxyHeader({ commonName: 'pump-7', serverName: 'mqtt.example' }),
      { tls: { commonName: 'pump-7', serverName: 'mqtt.example' } },
    ],
  ])('has its own address: %s', async (_, header, more) => {
    const socket = await open()
    socket.write(Buffer.concat([header, CONNECT]))
    const [answer] = await once(socket, 'data')
    expect(answer.toString('hex')).toBe(CONNACK)
    expect(client()?.peer).toEqual({
      address: '192.0.2.7',
      port: 5123,
      listener: 'proxied',
      transport: 'tcp',
      proxied: true,
      ...more,
    })
    expect(log.lines.some(({ message }) => message.includes('pump from 192.0.2.7:5123'))).toBe(true)
  })

  it.each([
    ['version 1', V1],
    ['version 2', proxyHeader({ commonName: 'pump-7' })],
  ])('may send header and packets byte by byte: %s', async (_, header) => {
    const socket = await open()
    const answer = once(socket, 'data')
    for (const byte of Buffer.concat([header, CONNECT])) {
      socket.write(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    expect((await answer)[0].toString('hex')).toBe(CONNACK)
  })

  it('is answered also if everything came at once, with the end of its side', async () => {
    const socket = await open()
    socket.end(Buffer.concat([V1, CONNECT, packetBytes('c0 00'), packetBytes('e0 00')]))
    let text = ''
    for await (const chunk of socket) text += chunk.toString('hex')
    expect(text).toBe(`${CONNACK}d000`)
    await eventually(() => expect(server().connections).toBe(0))
  })

  it('carries much more than one read behind the header', async () => {
    const socket = await open()
    const payload = Buffer.alloc(300_000, 'x')
    const publish = Buffer.concat([packetBytes('30 e3a712 0001 61'), payload])
    const subscriber = await open()
    subscriber.write(Buffer.concat([V1, packetBytes('10 @ "MQTT" 04 02 003c "sub"'), packetBytes('82 @ 0001 "a" 00')]))
    let received = 0
    subscriber.on('data', (chunk) => {
      received += chunk.length
    })
    await eventually(() => expect(received).toBe(4 + 5))
    socket.write(Buffer.concat([V1, CONNECT, publish]))
    await eventually(() => expect(received).toBe(9 + publish.length))
  })

  it.each([
    ['LOCAL', Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')],
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
  ])('is the proxy itself: %s', async (_, header) => {
    const socket = await open()
    socket.write(Buffer.concat([header, CONNECT]))
    await once(socket, 'data')
    expect(client()?.peer).toEqual({
      address: '127.0.0.1',
      port: socket.localPort,
      listener: 'proxied',
      transport: 'tcp',
    })
  })
})

describe('a connection without a valid header', () => {
  it('is closed when it begins with MQTT', async () => {
    await start()
    const socket = await open()
    socket.write(CONNECT)
    await closed(socket)
    expect(listener().proxies?.headers.failed.protocol).toBe(1)
    expect(log.at('warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^Handshake with 127\.0\.0\.1:\d+ failed: the connection does not begin with a PROXY header$/,
      ),
    ])
    expect(server().connections).toBe(0)
  })

  it('is closed when the header does not come in time', async () => {
    await start({ deadlineMs: 20 })
    const socket = await open()
    socket.write(V1.subarray(0, -1))
    await closed(socket)
    expect(listener().proxies?.headers).toMatchObject({ underWay: 0, failed: { deadline: 1 } })
  })

  it('is closed when it ends within the header', async () => {
    await start()
    const socket = await open()
    socket.end(V1.subarray(0, 20))
    await closed(socket)
    expect(listener().proxies?.headers).toMatchObject({ underWay: 0, failed: { closed: 1 } })
  })

  it('is closed when its address is not one of the proxies, for all bytes', async () => {
    await start({ trusted: ['192.0.2.0/24'] })
    for (const bytes of [V1, CONNECT]) {
      const socket = await open()
      socket.write(bytes)
      await closed(socket)
    }
    expect(listener().proxies).toMatchObject({ untrusted: 2, headers: { underWay: 0 } })
    expect(log.at('warn').map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^Connections refused, the last one from 127.*: it is not one of the proxies that proxyProtocol\.trusted names$/,
      ),
    ])
  })

  it('takes one of maximumHandshakes places only until it is closed', async () => {
    await start({ maximumHandshakes: 1 })
    const first = await open()
    await eventually(() => expect(listener().proxies?.headers.underWay).toBe(1))
    await closed(await open())
    expect(listener().proxies?.headers.refused).toBe(1)
    first.destroy()
    await eventually(() => expect(listener().proxies?.headers.underWay).toBe(0))
    const next = await open()
    next.write(Buffer.concat([V1, CONNECT]))
    await once(next, 'data')
  })

  it('is measured', async () => {
    await start()
    const socket = await open()
    socket.write(Buffer.concat([V1, CONNECT]))
    await once(socket, 'data')
    const values = system
      .measures()
      .filter(({ component }) => component === 'proxied')
      .map(({ measure }) => [measure.name, measure.labels?.['stage'], measure.read()])
    expect(values).toContainEqual(['completed', 'proxy', 1])
    expect(values).toContainEqual(['untrusted', undefined, 0])
  })

  it('ends with the system', async () => {
    await start()
    const socket = await open()
    await eventually(() => expect(listener().proxies?.headers.underWay).toBe(1))
    await Promise.all([closed(socket), system.stop()])
  })
})

it('a WebSocket may come through a TCP proxy', async () => {
  const config = { port: 0, allowAnonymous: true, proxyProtocol: { trusted: ['127.0.0.1'] } }
  await start({}, { web: { component: webSocket, config, dependencies: { logger: 'logger' } } })
  const socket = await open((system.map as unknown as { web: { port: number } }).web.port)
  socket.write(proxyHeader())
  const web = new WebSocketClient(socket)
  web.write(CONNECT)
  await once(web, 'data')
  expect(client()?.peer).toMatchObject({ address: '192.0.2.7', port: 5123, transport: 'ws', proxied: true })
})

describe('TLS behind a proxy', () => {
  const files = new TestFiles()
  afterAll(() => files.remove())

  it.each([
    ['tls', false],
    ['wss', true],
  ])('begins behind the header, and says itself who the client is: %s', async (transport, isWeb) => {
    const { authority, server: own, client: device } = await testCertificates()
    const ca = files.write('ca.pem', authority.cert)
    const certificates = { ...files.pair('server', own), ca, clientCertificates: 'require' }
    const proxied = { port: 0, allowAnonymous: true, proxyProtocol: { trusted: ['127.0.0.1'] } }
    const config = isWeb ? { ...proxied, tls: certificates } : { ...proxied, ...certificates }
    await start({}, { secure: { component: isWeb ? webSocket : tls, config, dependencies: { logger: 'logger' } } })
    const { port } = (system.map as unknown as { secure: { port: number } }).secure
    for (const isSplit of [false, true]) {
      const socket = await open(port)
      const header = proxyHeader({ commonName: 'somebody', serverName: 'else' })
      if (isSplit) {
        for (const byte of header) {
          socket.write(Uint8Array.of(byte))
          await new Promise(setImmediate)
        }
      } else socket.write(header)
      const secure = secureConnect({
        socket,
        ca: authority.cert,
        servername: 'localhost',
        cert: device.cert,
        key: device.key,
      })
      const stream = isWeb ? new WebSocketClient(secure) : secure
      stream.write(CONNECT)
      const [answer] = await once(stream, 'data')
      expect(answer.toString('hex')).toBe(CONNACK)
      const { peer } = client()!
      expect(peer).toMatchObject({ address: '192.0.2.7', port: 5123, transport, proxied: true })
      expect(peer).toMatchObject({ tls: { commonName: 'device-1', serverName: 'localhost' } })
      stream.destroy()
      await eventually(() => expect(server().connections).toBe(0))
    }
  })

  it('names the client whose certificate was revoked, not the proxy', async () => {
    const { authority, server: own, client: device } = await testCertificates()
    const crl = files.write('crl.pem', await authority.revoke([]))
    const config = {
      ...{ port: 0, allowAnonymous: true, proxyProtocol: { trusted: ['127.0.0.1'] }, clientCertificates: 'require' },
      ...{ ...files.pair('server', own), ca: files.write('ca.pem', authority.cert), crl },
    }
    await start({}, { secure: { component: tls, config, dependencies: { logger: 'logger' } } })
    const secure = (system.map as unknown as { secure: TlsTransport }).secure
    const socket = await open(secure.port)
    socket.write(proxyHeader())
    const { cert, key } = device
    const stream = secureConnect({ socket, ca: authority.cert, servername: 'localhost', cert, key })
    stream.on('error', () => undefined).write(CONNECT)
    await once(stream, 'data')
    const gone = once(stream.resume(), 'end')
    files.write('crl.pem', await authority.revoke([device]))
    await secure.contexts.reload()
    await gone
    expect(log.at('warn')).toMatchObject([{ remote: '192.0.2.7:5123' }])
  })
})
