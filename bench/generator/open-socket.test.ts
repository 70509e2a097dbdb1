import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { testCertificates } from '../../test/helpers/certificates.ts'
import { openSocket } from './open-socket.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const listening = async (server: Server): Promise<number> => {
  closing.push(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}

/** Sends chunks of many lengths to a server that returns what it gets. */
const echoed = async (transport: 'tls' | 'ws' | 'wss', port: number): Promise<void> => {
  const stream = await openSocket({ host: '127.0.0.1', port, transport })
  const sent = Buffer.concat([1, 125, 126, 65_535, 65_536, 300_000].map((length) => Buffer.alloc(length, length)))
  let position = 0
  for (const length of [1, 125, 126, 65_535, 65_536, 300_000]) {
    stream.write(sent.subarray(position, position + length))
    position += length
  }
  const received: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream) {
    received.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes === sent.length) break
  }
  expect(Buffer.concat(received).equals(sent)).toBe(true)
}

it('carries bytes over TLS', async () => {
  const { server } = await testCertificates()
  await echoed('tls', await listening(createTlsServer(server, (socket) => socket.pipe(socket))))
})

it.each(['ws', 'wss'] as const)('carries bytes in the frames of a WebSocket: %s', async (transport) => {
  const { server } = await testCertificates()
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' })
  const http =
    transport === 'ws'
      ? (await import('node:http')).createServer()
      : (await import('node:https')).createServer({ cert: server.cert, key: server.key })
  http.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (client) => {
      // In between, what is no data.
      client.ping('a')
      client.on('message', (data) => client.send(data))
    }),
  )
  await echoed(transport, await listening(http as Server))
})

it('fails when the broker closes, or answers with something else', async () => {
  const port = await listening(createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\n\r\n')))
  await expect(openSocket({ host: '127.0.0.1', port, transport: 'ws' })).rejects.toThrow('HTTP/1.1 404 Not Found')
  await expect(openSocket({ host: '127.0.0.1', port, transport: 'tls' })).rejects.toThrow()
  const closed = await listening(createServer((socket) => socket.destroy()))
  await expect(openSocket({ host: '127.0.0.1', port: closed, transport: 'ws' })).rejects.toThrow(
    'closed before it was connected',
  )
})
