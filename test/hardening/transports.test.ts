/** What comes before MQTT on the listeners: headers of proxies, HTTP requests, frames of WebSocket. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { tcp } from '../../components/tcp/index.ts'
import type { TcpListener } from '../../components/tcp/tcp-listener.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import type { WebSocketListener } from '../../components/web-socket/web-socket-listener.ts'
import { eventually } from '../helpers/eventually.ts'
import { packetBytes } from '../helpers/packet-bytes.ts'
import { upgradeRequest, WebSocketClient } from '../helpers/web-socket-client.ts'
import { clientFrame } from '../helpers/web-socket-frames.ts'
import { arena } from './arena.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-jig-'))
const path = join(folder, 'mqtt.sock')
afterAll(() => rmSync(folder, { recursive: true }))

const dependencies = { logger: 'logger' }
const deadline = { maximumHandshakes: 20, handshakeDeadlineMs: 200 }
const proxyProtocol = { trusted: ['127.0.0.1'], deadlineMs: 200, maximumHandshakes: 20 }
const field = arena({
  entries: {
    web: { component: webSocket, config: { port: 0, ...deadline }, dependencies },
    roomy: {
      component: webSocket,
      config: { port: 0, maximumHeaderBytes: 65_536, maximumHandshakes: 20 },
      dependencies,
    },
    proxied: { component: tcp, config: { port: 0, proxyProtocol }, dependencies },
    local: { component: unixSocket, config: { path }, dependencies },
  },
})
const { bystanderIsServed } = field

const map = () =>
  field.broker.map as unknown as { web: WebSocketListener; roomy: WebSocketListener; proxied: TcpListener }
const web = () => map().web
const counters = () => web().upgrades
const proxyCounters = () => map().proxied.proxies!.headers

const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await eventually(() => expect([counters().underWay, proxyCounters().underWay]).toEqual([0, 0]))
})
const open = async (to: number | string): Promise<Socket> => {
  const socket = typeof to === 'string' ? connect(to) : connect(to, '127.0.0.1')
  sockets.push(socket.on('error', () => undefined))
  await once(socket, 'connect')
  return socket
}
const closed = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve))
const openWeb = async (): Promise<WebSocketClient> => {
  const client = new WebSocketClient(await open(web().port))
  await once(client, 'answer')
  return client
}

describe('random bytes', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((more) => Buffer.concat([Buffer.from(upgradeRequest()), more])),
    fc.uint8Array({ maxLength: 100 }).map((more) => Buffer.concat([Buffer.from('PROXY '), more])),
    fc
      .uint8Array({ maxLength: 100 })
      .map((more) => Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n!\x11', 'latin1'), more])),
    fc.uint8Array({ maxLength: 100 }).map((more) => Buffer.concat([Buffer.from('GET /mqtt HTTP/1.1\r\n'), more])),
  )

  it('on every listener end their own connections alone, at the latest when the client goes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 3 }), async (pieces) => {
        for (const to of [web().port, map().proxied.port, path]) {
          const socket = await open(to)
          for (const piece of pieces) if (socket.writable) socket.write(piece)
          socket.end()
          await closed(socket)
        }
      }),
      { numRuns: 30 },
    )
    await bystanderIsServed()
  })
})

describe('HTTP requests', () => {
  it('that come too slowly are dropped at handshakeDeadlineMs, however many bytes arrive', async () => {
    const before = counters().failed.deadline
    const socket = await open(web().port)
    const ended = closed(socket)
    socket.write('GET /mqtt HTTP/1.1\r\n')
    const dribble = setInterval(() => socket.write('X: y\r\n'), 5)
    await ended
    clearInterval(dribble)
    expect(counters().failed.deadline).toBe(before + 1)
  })

  it('that never come are dropped as well', async () => {
    const before = counters().failed.deadline
    await closed(await open(web().port))
    expect(counters().failed.deadline).toBe(before + 1)
  })

  it('without end are refused at maximumHeaderBytes', async () => {
    const before = web().refusedRequests.malformed
    const socket = await open(web().port)
    const ended = closed(socket)
    socket.write('GET /mqtt HTTP/1.1\r\nCookie: ')
    for (let kib = 0; kib < 64 && socket.writable; kib += 1) socket.write(Buffer.alloc(1_024, 'x'))
    await ended
    expect(web().refusedRequests.malformed).toBe(before + 1)
  })

  it('with thousands of headers are refused', async () => {
    const socket = await open(map().roomy.port)
    socket.write(`GET /mqtt HTTP/1.1\r\n${'a:b\r\n'.repeat(3_000)}\r\n`)
    const [answer] = await once(socket, 'data')
    expect(`${answer}`).toMatch(/^HTTP\/1.1 426 /)
  })

  it('beyond maximumHandshakes are refused, and others are served again when those are gone', async () => {
    const { port, upgrades } = map().roomy
    const held = await Promise.all(Array.from({ length: 20 }, () => open(port)))
    await eventually(() => expect(upgrades.underWay).toBe(20))
    await closed(await open(port))
    expect(upgrades.refused).toBe(1)
    for (const socket of held) socket.destroy()
    await eventually(() => expect(upgrades.underWay).toBe(0))
    await once(new WebSocketClient(await open(port)), 'answer')
  })

  it('of web pages of other sites reach no broker', async () => {
    const before = web().refusedRequests.origin
    const client = new WebSocketClient(await open(web().port), { Origin: 'https://evil.example' })
    const [answer] = await once(client, 'answer')
    expect(answer).toMatch(/^HTTP\/1.1 403 /)
    expect(web().refusedRequests.origin).toBe(before + 1)
  })
})

describe('frames', () => {
  it('without payload by the thousand keep no other client waiting, and cost no memory', async () => {
    const client = await openWeb()
    const empty = clientFrame(Buffer.alloc(0), { opcode: 0, isLast: false })
    client.socket.write(clientFrame(Buffer.alloc(0), { isLast: false }))
    for (let round = 0; round < 20; round += 1) client.socket.write(Buffer.concat(Array(10_000).fill(empty)))
    await bystanderIsServed()
    client.socket.write(clientFrame(packetBytes('10 @ "MQTT" 04 02 003c "tiny"'), { opcode: 0 }))
    const [answer] = await once(client, 'data')
    expect(answer.toString('hex')).toBe('20020000')
  })

  it('that are announced with a huge length are not waited for with memory', async () => {
    const client = await openWeb()
    const header = Buffer.from([0x82, 0xff, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    client.socket.write(Buffer.concat([header, packetBytes('10 @ "MQTT" 04 02 003c "huge"')]))
    const [answer] = await once(client, 'data')
    expect(answer.toString('hex')).toBe('20020000')
  })

  it('that ask for answers which are never read have at most two of them waiting', async () => {
    const client = await openWeb()
    client.socket.pause()
    const ping = clientFrame(Buffer.alloc(125), { opcode: 9 })
    const pings = Buffer.concat(Array(500).fill(ping))
    for (let round = 0; round < 40; round += 1) client.socket.write(pings)
    await bystanderIsServed()
    client.destroy()
  })

  it('after the Close frame are discarded', async () => {
    const client = await openWeb()
    const close = clientFrame(Buffer.from([3, 232]), { opcode: 8 })
    client.socket.write(Buffer.concat([close, clientFrame(packetBytes('10 @ "MQTT" 04 02 003c "late"'))]))
    await once(client.resume(), 'end')
    expect(client.closeCode).toBe(1000)
    expect(field.log.lines.some(({ message }) => message.includes('late'))).toBe(false)
  })
})

describe('headers of proxies', () => {
  it('that never come whole are dropped at deadlineMs', async () => {
    const before = proxyCounters().failed.deadline
    const held = await Promise.all(Array.from({ length: 10 }, () => open(map().proxied.port)))
    for (const socket of held) socket.write('PROXY TCP4 192.0.2.7 ')
    await Promise.all(held.map(closed))
    await eventually(() => expect(proxyCounters().failed.deadline).toBe(before + 10))
  })
})
