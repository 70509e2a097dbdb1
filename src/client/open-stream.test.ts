import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { afterEach, describe, expect, it, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { TestAuthority } from '../../test/helpers/certificates.ts'
import { ClientError } from './client-error.ts'
import { openStream } from './open-stream.ts'
import type { Target } from './target.ts'

let server: WebSocketServer | undefined
afterEach(() => {
  for (const client of server?.clients ?? []) client.terminate()
  server?.close()
  server = undefined
})

/** A server with a certificate for localhost. */
const tlsServer = async (
  authority: TestAuthority,
  more: TlsOptions = {},
): Promise<{ readonly server: Server; readonly port: number }> => {
  const own = createTlsServer({ ...(await authority.server()), ...more }).listen(0, '127.0.0.1')
  own.on('tlsClientError', () => {})
  await once(own, 'listening')
  return { server: own, port: (own.address() as AddressInfo).port }
}

it('refuses a WebSocket frame that is larger than any packet before it is in memory', async () => {
  const own = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server = own
  await once(own, 'listening')
  const closed = new Promise<number>((resolve) => {
    own.on('connection', (webSocket, { socket }) => {
      webSocket.on('close', resolve)
      // The header of a binary frame of 1 TiB.
      socket.write(Buffer.from([0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]))
    })
  })
  const url = `ws://127.0.0.1:${(own.address() as AddressInfo).port}/mqtt`
  const stream = await openStream({ transport: 'ws', url }, 5, new AbortController().signal)
  const failed = new Promise<Error>((resolve) => stream.once('error', resolve))
  expect(await failed).toMatchObject({ message: 'Max payload size exceeded' })
  expect(await closed).toBe(1009)
})

describe('a connection that is not made', () => {
  const signal = () => new AbortController().signal
  const aborted = () => AbortSignal.abort(new ClientError('TIMEOUT', 'It took too long.'))

  test.each<readonly [string, () => Target]>([
    ['TCP', () => ({ transport: 'tcp', host: '127.0.0.1', port: 1 })],
    ['WebSocket', () => ({ transport: 'ws', url: 'ws://127.0.0.1:1/mqtt' })],
  ])('over %s, because its time was over before: the reason is that of the caller', async (_name, target) => {
    await expect(openStream(target(), 5, aborted())).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  test('the time is over while a WebSocket waits for the answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const abort = new AbortController()
    const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/mqtt`
    const stream = openStream({ transport: 'ws', url }, 5, abort.signal)
    const [socket] = (await once(silent, 'connection')) as [Socket]
    abort.abort(new ClientError('TIMEOUT', 'It took too long.'))
    await expect(stream).rejects.toMatchObject({ code: 'TIMEOUT' })
    await once(socket.resume(), 'close')
    silent.close()
  })

  test('a server that closes during the TLS handshake', async () => {
    const closing = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
    await once(closing, 'listening')
    const { port } = closing.address() as AddressInfo
    await expect(openStream({ transport: 'tls', host: '127.0.0.1', port, tls: {} }, 5, signal())).rejects.toMatchObject(
      { message: expect.stringContaining(`127.0.0.1:${port}`) },
    )
    closing.close()
  })

  test('a socket that does not exist', async () => {
    const path = join(tmpdir(), 'no-such-folder-of-mqtt-jig/broker.sock')
    await expect(openStream({ transport: 'unix', path }, 5, signal())).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `The broker at ${path} does not answer: there is no such socket.`,
    })
  })

  test('a server that is no WebSocket server: what it answers', async () => {
    const web = createHttpServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
    await once(web, 'listening')
    const url = `ws://127.0.0.1:${(web.address() as AddressInfo).port}/mqtt`
    await expect(openStream({ transport: 'ws', url }, 5, signal())).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: `The broker at ${url} does not answer: Unexpected server response: 404.`,
    })
    web.closeAllConnections()
    web.close()
  })

  test('a certificate that signed itself: the error says what to do', async () => {
    const { server: own, port } = await tlsServer(await TestAuthority.create('CN=Own'))
    const failure = openStream({ transport: 'tls', host: '127.0.0.1', port, tls: {} }, 5, signal())
    await expect(failure).rejects.toMatchObject({
      code: 'TLS',
      message: expect.stringMatching(
        /^TLS with 127\.0\.0\.1:\d+ failed: .* Name the certificate of its authority with --cafile\.$/,
      ),
    })
    own.close()
  })

  test('a certificate of another name: without this advice', async () => {
    const authority = await TestAuthority.create('CN=Own')
    const { server: own, port } = await tlsServer(authority)
    const tls = { ca: authority.cert, serverName: 'other.example' }
    await expect(openStream({ transport: 'tls', host: '127.0.0.1', port, tls }, 5, signal())).rejects.toMatchObject({
      code: 'TLS',
      message: expect.not.stringContaining('--cafile'),
    })
    own.close()
  })
})

test('a client certificate is shown to the broker, and the name that was asked for', async () => {
  const authority = await TestAuthority.create('CN=Own')
  const { server: own, port } = await tlsServer(authority, { requestCert: true, ca: authority.cert })
  const accepted = once(own, 'secureConnection') as Promise<[TLSSocket]>
  const pair = await authority.client('kitchen')
  const tls = { ca: authority.cert, ...pair, serverName: 'localhost' }
  const stream = await openStream({ transport: 'tls', host: '127.0.0.1', port, tls }, 5, new AbortController().signal)
  const [socket] = await accepted
  expect(socket.authorized).toBe(true)
  expect(socket.getPeerCertificate().subject.CN).toBe('kitchen')
  expect((socket as TLSSocket & { servername?: string }).servername).toBe('localhost')
  stream.destroy()
  own.close()
})

test('MQTT 3.1 over WebSocket asks for its own subprotocol; a text frame ends the connection [MQTT-6.0.0-1]', async () => {
  const own = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server = own
  await once(own, 'listening')
  const connected = once(own, 'connection') as Promise<[WebSocket]>
  const url = `ws://127.0.0.1:${(own.address() as AddressInfo).port}/mqtt`
  const stream = await openStream({ transport: 'ws', url }, 3, new AbortController().signal)
  const [webSocket] = await connected
  expect(webSocket.protocol).toBe('mqttv3.1')
  const failed = once(stream, 'error')
  webSocket.send('text')
  expect(await failed).toMatchObject([{ code: 'PROTOCOL', message: expect.stringContaining('a text frame') }])
})
