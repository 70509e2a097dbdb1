import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { httpServer } from './index.ts'
import type { NodeHttpServer } from './node-http-server.ts'

let log: RecordingLogger
let server: NodeHttpServer
const sockets: Socket[] = []
beforeEach(async () => {
  log = new RecordingLogger()
  const config = httpServer.config.parse({ port: 0, drainMs: 60_000 })
  server = await httpServer.start(config, { logger: log }, lifecycleContext('httpServer'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await httpServer.stop!(server, lifecycleContext('httpServer'))
})

const open = async (): Promise<Socket> => {
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

it('cancels the body of an answer whose client has gone before', async () => {
  const cancelled: string[] = []
  const answer = new Promise<void>((resolve) => {
    server.route('/late', async ({ signal, url }) => {
      await new Promise((aborted) => signal.addEventListener('abort', aborted))
      const cancel = (): void => {
        cancelled.push(new URL(url).pathname)
        resolve()
      }
      return new Response(new URL(url).pathname === '/late/empty' ? null : new ReadableStream({ cancel }))
    })
  })
  for (const path of ['/late/empty', '/late/stream']) {
    const socket = await open()
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await expect.poll(() => server.openRequests).toBe(1)
    socket.destroy()
    await expect.poll(() => server.openRequests).toBe(0)
  }
  await answer
  expect(cancelled).toEqual(['/late/stream'])
  expect(log.at('error')).toEqual([])
})

it('gives no handler a request whose client closes the connection within the body', async () => {
  let served = 0
  server.route('/x', () => {
    served += 1
    return new Response('')
  })
  const socket = await open()
  socket.write('POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab')
  await expect.poll(() => server.openRequests).toBe(1)
  socket.destroy()
  await expect.poll(() => server.openRequests).toBe(0)
  expect([served, server.counters.failed]).toEqual([0, 0])
})

it('an answer that is under way when the server stops is completed, and says that the connection ends', async () => {
  let complete = (): void => undefined
  server.route(
    '/slow',
    () =>
      new Promise((resolve) => {
        complete = () => resolve(new Response('complete'))
      }),
  )
  const socket = await open()
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => server.openRequests).toBe(1)
  const stopped = server.stop()
  complete()
  await once(socket, 'close')
  expect(answer).toMatch(/^connection: close\r$/im)
  expect(answer).toContain('complete')
  await stopped
})

it('a slow client gets all of a body, piece by piece', async () => {
  const pieces = 200
  const body = () => {
    let left = pieces
    return new ReadableStream({
      pull: (controller) => {
        left -= 1
        controller.enqueue(new Uint8Array(64 * 1024))
        if (left === 0) controller.close()
      },
    })
  }
  server.route('/large', () => new Response(body()))
  const socket = await open()
  socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
    socket.pause()
    setImmediate(() => socket.resume())
  })
  await once(socket, 'end')
  expect(bytes).toBeGreaterThan(pieces * 64 * 1024)
})
