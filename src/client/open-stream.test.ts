import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { openStream } from './open-stream.ts'

let server: WebSocketServer
afterEach(() => {
  for (const client of server.clients) client.terminate()
  server.close()
})

it('refuses a WebSocket frame that is larger than any packet before it is in memory', async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const closed = new Promise<number>((resolve) => {
    server.on('connection', (webSocket, { socket }) => {
      webSocket.on('close', resolve)
      // The header of a binary frame of 1 TiB.
      socket.write(Buffer.from([0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0]))
    })
  })
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/mqtt`
  const stream = await openStream({ transport: 'ws', url }, 5, new AbortController().signal)
  const failed = new Promise<Error>((resolve) => stream.once('error', resolve))
  expect(await failed).toMatchObject({ message: 'Max payload size exceeded' })
  expect(await closed).toBe(1009)
})
