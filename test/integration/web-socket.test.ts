/** MQTT over WebSocket, with mqtt.js, with the client of the package ws, and with bytes. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as secureConnect } from 'node:tls'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { webSocket } from '../../components/web-socket/index.ts'
import type { WebSocketListener } from '../../components/web-socket/web-socket-listener.ts'
import { createSystem } from '../../src/system/lifecycle.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { quietSystem } from '../helpers/start-broker.ts'
import { upgradeRequest, WebSocketClient } from '../helpers/web-socket-client.ts'
import { clientFrame } from '../helpers/web-socket-frames.ts'

const CONNECT = packetBytes('10 @ "MQTT" 04 02 003c "page"')
const CONNACK = '20020000'

let system: ReturnType<typeof createSystem>
const streams: { destroy(): unknown }[] = []
const clients: MqttClient[] = []
const start = async (config: object = {}, suspended?: Parameters<typeof createSystem>[1]) => {
  const web = { component: webSocket, config: { port: 0, ...config }, dependencies: { logger: 'logger' } }
  system = createSystem({ ...quietSystem, web }, suspended)
  await system.start()
}
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true)
  for (const stream of streams.splice(0)) stream.destroy()
  await system.stop()
})
const listener = () => (system.map as unknown as { web: WebSocketListener }).web
const server = () => (system.map as unknown as { server: { connections: number } }).server
const broker = () => (system.map as unknown as { broker: { clients(): Iterable<{ peer: object }> } }).broker
const peers = () => [...broker().clients()].map(({ peer }) => peer)

const open = async (): Promise<Socket> => {
  const socket = connect({ port: listener().port, host: '127.0.0.1', allowHalfOpen: true })
  streams.push(socket.on('error', () => undefined))
  await once(socket, 'connect')
  return socket
}
const client = async (headers?: Record<string, string | undefined>): Promise<WebSocketClient> => {
  const made = new WebSocketClient(await open(), headers)
  streams.push(made)
  return made
}
const answerTo = async (headers?: Record<string, string | undefined>): Promise<string> => {
  const made = await client(headers)
  const [answer] = await once(made, 'answer')
  return answer.split('\r\n')[0]
}
/** Everything that comes until the connection ends. */
const allOf = async (socket: Socket): Promise<string> => {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

describe('mqtt.js over WebSocket', () => {
  it.each([3, 4, 5] as const)('publishes and subscribes, in version %d of the protocol', async (protocolVersion) => {
    await start()
    const more = protocolVersion === 3 ? { protocolId: 'MQIsdp', wsOptions: { protocol: 'mqttv3.1' } } : {}
    const made = await mqtt.connectAsync(`ws://127.0.0.1:${listener().port}/mqtt`, {
      ...more,
      protocolVersion,
      clientId: 'page',
      reconnectPeriod: 0,
    } as mqtt.IClientOptions)
    clients.push(made)
    const payloads = [Buffer.from('small'), Buffer.alloc(70_000, 'x'), Buffer.alloc(1_000_000, 'y')]
    await made.subscribeAsync('a/#', { qos: 2 })
    for (const [qos, payload] of payloads.entries()) {
      const message = new Promise<Buffer>((resolve) => made.once('message', (_topic, found) => resolve(found)))
      await made.publishAsync('a/b', payload, { qos: qos as 0 | 1 | 2 })
      expect(payload.equals(await message)).toBe(true)
    }
    expect(peers()).toEqual([{ address: '127.0.0.1', port: expect.any(Number), listener: 'web', transport: 'ws' }])
    await made.endAsync()
    await eventually(() => expect(server().connections).toBe(0))
  })
})

describe('wss', () => {
  const files = new TestFiles()
  afterAll(() => files.remove())

  it('carries what ws does, and knows the client certificate', async () => {
    const { authority, server: own, client: device } = await testCertificates()
    const ca = files.write('ca.pem', authority.cert)
    await start({ tls: { ...files.pair('server', own), ca, clientCertificates: 'request' } })
    const made = await mqtt.connectAsync(`wss://localhost:${listener().port}/mqtt`, {
      ca: authority.cert,
      cert: device.cert,
      key: device.key,
      // A page of the server that the certificate names.
      wsOptions: { origin: 'https://localhost' },
      reconnectPeriod: 0,
    } as mqtt.IClientOptions)
    clients.push(made)
    const payload = Buffer.alloc(500_000, 'x')
    await made.subscribeAsync('a', { qos: 1 })
    const message = new Promise<Buffer>((resolve) => made.once('message', (_topic, found) => resolve(found)))
    await made.publishAsync('a', payload, { qos: 1 })
    expect(payload.equals(await message)).toBe(true)
    expect(peers()).toMatchObject([{ transport: 'wss', tls: { commonName: 'device-1' } }])
    await made.endAsync()
    await eventually(() => expect(server().connections).toBe(0))
  })

  it('leaves nothing of a client that breaks off, in the handshake or later', async () => {
    const { authority, server: own } = await testCertificates()
    await start({ tls: files.pair('server', own), handshakeDeadlineMs: 500 })
    const raw = await open()
    raw.write(Buffer.from('1603010200', 'hex'))
    await eventually(() => expect(listener().secure?.handshakes.counters.underWay).toBe(1))
    raw.destroy()
    const made = new WebSocketClient(
      secureConnect({ socket: await open(), ca: authority.cert, servername: 'localhost' }),
    )
    streams.push(made)
    made.write(CONNECT)
    await once(made, 'data')
    expect(server().connections).toBe(1)
    made.destroy()
    await eventually(() => expect(server().connections).toBe(0))
    await eventually(() => expect(listener().secure?.handshakes.counters.underWay).toBe(0))
    const measured = system.measures().filter(({ component }) => component === 'web')
    const completed = measured.filter(({ measure }) => measure.name === 'completed')
    expect(completed.map(({ measure }) => [measure.labels?.['stage'], measure.read()])).toEqual([
      ['upgrade', 1],
      ['tls', 1],
    ])
  })
})

describe('frames', () => {
  beforeEach(() => start())

  it.each([
    ['a frame for each byte', (bytes: Buffer) => [...bytes].map((byte) => clientFrame(Uint8Array.of(byte)))],
    [
      'a message of one fragment for each byte',
      (bytes: Buffer) =>
        [...bytes].map((byte, index) =>
          clientFrame(Uint8Array.of(byte), { opcode: index === 0 ? 2 : 0, isLast: index === bytes.length - 1 }),
        ),
    ],
    ['one frame for several packets', (bytes: Buffer) => [clientFrame(bytes)]],
    [
      'a Ping frame within a message',
      (bytes: Buffer) => [
        clientFrame(bytes.subarray(0, 5), { isLast: false }),
        clientFrame(Buffer.from('ping'), { opcode: 9 }),
        clientFrame(bytes.subarray(5), { opcode: 0 }),
      ],
    ],
  ])('of a client may be %s, sent at once or byte by byte', async (_, framesOf) => {
    for (const isSplit of [false, true]) {
      const made = await client()
      const frames = Buffer.concat(framesOf(Buffer.concat([CONNECT, packetBytes('c0 00'), packetBytes('c0 00')])))
      let text = ''
      made.on('data', (chunk) => {
        text += chunk.toString('hex')
      })
      if (!isSplit) made.socket.write(frames)
      else {
        for (const byte of frames) {
          made.socket.write(Uint8Array.of(byte))
          await new Promise(setImmediate)
        }
      }
      await eventually(() => expect(text).toBe(`${CONNACK}d000d000`))
      made.destroy()
      await eventually(() => expect(server().connections).toBe(0))
    }
  })

  it('to a client are one for all packets of a turn', async () => {
    const made = await client()
    made.write(CONNECT)
    await once(made, 'data')
    made.write(Buffer.concat(Array(50).fill(packetBytes('c0 00'))))
    await eventually(() => expect(made.frames.reduce((sum, length) => sum + length, 0)).toBe(4 + 100))
    expect(made.frames).toEqual([4, 100])
  })

  it('with text end the connection with 1003, and those without a mask with 1002', async () => {
    for (const [frame, code] of [
      [clientFrame(CONNECT, { opcode: 1 }), 1003],
      [Buffer.from([0x82, 0x01, 0x10]), 1002],
    ] as const) {
      const made = await client()
      const ended = new Promise((resolve) => made.resume().once('end', resolve).once('close', resolve))
      made.socket.write(frame)
      await ended
      expect(made.closeCode).toBe(code)
      await eventually(() => expect(server().connections).toBe(0))
    }
  })

  it('that ask for an answer get one, the last of many at once', async () => {
    const made = await client()
    const pongs: string[] = []
    made.on('pong', (payload) => pongs.push(`${payload}`))
    made.resume()
    const pings = Array.from({ length: 1_000 }, (_, index) => clientFrame(Buffer.from(`${index}`), { opcode: 9 }))
    made.socket.write(Buffer.concat(pings))
    await eventually(() => expect(pongs.at(-1)).toBe('999'))
    expect(pongs.length).toBeLessThan(1_000)
  })
})

describe('the client of ws', () => {
  it('is closed in order by both sides', async () => {
    await start()
    for (const byClient of [true, false]) {
      const made = new WebSocket(`ws://127.0.0.1:${listener().port}/mqtt`, 'mqtt', { perMessageDeflate: true })
      await once(made, 'open')
      expect([made.protocol, made.extensions]).toEqual(['mqtt', ''])
      made.send(CONNECT)
      await once(made, 'message')
      if (byClient) made.close(1001, 'page left')
      // A packet that only the broker may send.
      else made.send(packetBytes('d0 00'))
      const [code] = await once(made, 'close')
      expect(code).toBe(1000)
      await eventually(() => expect(server().connections).toBe(0))
    }
  })
})

describe('a request', () => {
  const ownHost = () => `127.0.0.1:${listener().port}`

  it.each([
    ['without the subprotocol', { 'Sec-WebSocket-Protocol': undefined }, 'HTTP/1.1 400 Bad Request', 'subprotocol'],
    ['for another subprotocol', { 'Sec-WebSocket-Protocol': 'chat, soap' }, 'HTTP/1.1 400 Bad Request', 'subprotocol'],
    ['for another version', { 'Sec-WebSocket-Version': '8' }, 'HTTP/1.1 426 Upgrade Required', 'request'],
    ['without a key', { 'Sec-WebSocket-Key': undefined }, 'HTTP/1.1 400 Bad Request', 'request'],
    ['with a short key', { 'Sec-WebSocket-Key': 'YWJj' }, 'HTTP/1.1 400 Bad Request', 'request'],
    ['for another protocol', { Upgrade: 'h2c' }, 'HTTP/1.1 426 Upgrade Required', 'request'],
    ['without upgrade', { Upgrade: undefined, Connection: undefined }, 'HTTP/1.1 426 Upgrade Required', 'request'],
    ['of a page of another site', { Origin: 'https://evil.example' }, 'HTTP/1.1 403 Forbidden', 'origin'],
  ] as const)('%s is refused', async (_, headers, status, reason) => {
    await start()
    expect(await answerTo(headers)).toBe(status)
    expect(listener().refusedRequests).toMatchObject({ [reason]: 1 })
    for (const stream of streams.splice(0)) stream.destroy()
    await eventually(() => expect(listener().upgrades.underWay).toBe(0))
    expect(server().connections).toBe(0)
  })

  it('chooses the first subprotocol that is known', async () => {
    await start()
    const made = await client({ 'Sec-WebSocket-Protocol': 'chat, mqttv3.1, mqtt' })
    const [answer] = await once(made, 'answer')
    expect(answer).toContain('\r\nSec-WebSocket-Protocol: mqttv3.1\r\n')
    expect(answer).toContain('\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n')
  })

  it.each([
    ['a path that is not there', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['a page', 'GET /mqtt HTTP/1.1\r\nHost: a\r\n\r\n', 426],
    ['what is no HTTP', '\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00', 400],
    ['headers that are too large', `GET /mqtt HTTP/1.1\r\nHost: a\r\nCookie: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
    ['two requests at once', 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 404],
    ['a body that does not end', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n', 404],
  ])('for %s is answered once, and then the connection is closed', async (_, request, status) => {
    await start()
    const socket = await open()
    socket.write(Buffer.from(request, 'latin1'))
    const answer = await allOf(socket)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(answer).toMatch(/\r\nConnection: (Upgrade, )?close\r\n/)
    expect(Object.values(listener().refusedRequests).reduce((sum, count) => sum + count, 0)).toBe(1)
    socket.end()
    await eventually(() => expect(listener().upgrades.underWay).toBe(0))
  })

  it('may have a query, and a path of the config', async () => {
    await start({ path: '/broker' })
    const socket = await open()
    socket.write(upgradeRequest({}, '/broker?token=1'))
    const [answer] = await once(socket, 'data')
    expect(`${answer}`).toMatch(/^HTTP\/1.1 101 /)
    expect(await answerTo()).toBe('HTTP/1.1 404 Not Found')
  })

  it.each([
    [undefined, { Origin: 'http://127.0.0.1:3000' }, true],
    [undefined, { Origin: 'http://localhost:3000' }, false],
    [undefined, { Origin: 'null' }, false],
    [undefined, { Origin: 'http://rebound.example', Host: 'rebound.example' }, false],
    [['https://panel.example'], { Origin: 'https://panel.example' }, true],
    [['https://panel.example'], { Origin: 'http://panel.example' }, false],
    [['https://panel.example'], { Origin: 'http://127.0.0.1' }, false],
    [['https://panel.example'], {}, true],
    [['*'], { Origin: 'https://evil.example' }, true],
    [['null'], { Origin: 'null' }, true],
  ])('with origins %j and the headers %j is accepted: %s', async (origins, headers, isAccepted) => {
    await start({ ...(origins !== undefined && { origins }) })
    const answer = await answerTo({ Host: ownHost(), ...headers })
    expect(answer).toBe(isAccepted ? 'HTTP/1.1 101 Switching Protocols' : 'HTTP/1.1 403 Forbidden')
  })

  it.each([
    ['a proxy that is trusted', ['127.0.0.0/8'], '203.0.113.9, 192.0.2.7', '192.0.2.7', true],
    ['two of them', ['127.0.0.0/8', '10.0.0.0/8'], '203.0.113.9, 192.0.2.7, 10.0.0.5', '192.0.2.7', true],
    ['a proxy that names the port', ['127.0.0.1'], '[2001:db8::7]:5123', '2001:db8::7', true],
    ['anybody else', [], '192.0.2.7', '127.0.0.1', undefined],
  ])('with X-Forwarded-For of %s', async (_, trustedProxies, header, address, proxied) => {
    await start({ trustedProxies })
    const made = await client({ 'X-Forwarded-For': header })
    made.write(CONNECT)
    await once(made, 'data')
    expect(peers()).toMatchObject([{ address, ...(proxied && { proxied, port: 0 }) }])
    expect('proxied' in peers()[0]!).toBe(proxied === true)
  })

  it('with an X-Forwarded-For that names no address is refused', async () => {
    await start({ trustedProxies: ['127.0.0.1'] })
    expect(await answerTo({ 'X-Forwarded-For': '192.0.2.7, unknown' })).toBe('HTTP/1.1 400 Bad Request')
  })
})

describe('across a reset', () => {
  it('the port stays bound, and who connects meanwhile is served', async () => {
    await start()
    const { port } = listener()
    const before = await client()
    before.write(CONNECT)
    await once(before, 'data')
    const gone = new Promise((resolve) => before.resume().once('end', () => resolve(before.end())))
    const suspended = await system.suspend()
    await gone
    const meanwhile = await WebSocketClient.connect(port)
    streams.push(meanwhile)
    meanwhile.write(CONNECT)
    await start({}, { suspended })
    expect(listener().port).toBe(port)
    const [answer] = await once(meanwhile, 'data')
    expect(answer.toString('hex')).toBe(CONNACK)
  })

  it('a request that has begun is dropped', async () => {
    await start()
    const socket = await open()
    socket.write('GET /mqtt HTTP/1.1\r\n')
    await eventually(() => expect(listener().upgrades.underWay).toBe(1))
    const closed = new Promise((resolve) => socket.resume().once('close', resolve).once('end', resolve))
    const suspended = await system.suspend()
    await closed
    await start({}, { suspended })
  })
})
