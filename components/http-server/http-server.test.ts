import { once } from 'node:events'
import { request as secureRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, expect, it } from 'vitest'
import type { HttpHandler } from '../../src/kinds/http-server.ts'
import type { ComponentStatus, SystemState } from '../../src/system/component-status.ts'
import { TestFiles, testCertificates } from '../../test/helpers/certificates.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { httpServer } from './index.ts'
import type { NodeHttpServer } from './node-http-server.ts'

const files = new TestFiles()
afterAll(() => files.remove())

let log: RecordingLogger
let server: NodeHttpServer
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await httpServer.stop!(server, lifecycleContext('httpServer'))
})

const start = async (config: object = {}, system: object = {}): Promise<void> => {
  log = new RecordingLogger()
  const context = lifecycleContext('httpServer')
  server = await httpServer.start(
    httpServer.config.parse({ port: 0, drainMs: 0, ...config }),
    { logger: log },
    { ...context, system: Object.defineProperties({ ...context.system }, Object.getOwnPropertyDescriptors(system)) },
  )
}
const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`http://${server.address}${path}`, init)
const text =
  (body: string): HttpHandler =>
  () =>
    new Response(body)
const open = async (): Promise<Socket> => {
  const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}
/** What the server sends until it closes the connection. */
const answerTo = async (bytes: string): Promise<string> => {
  const socket = await open()
  socket.write(bytes)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  await once(socket, 'close')
  return answer
}
const component = (name: string, more: Partial<ComponentStatus> = {}): ComponentStatus => ({
  ...{ name, kind: 'Broker', state: 'running', description: 'secret', startMs: 1, resumed: false, blockedBy: [] },
  ...{ unready: undefined, error: undefined },
  ...more,
})

it('gives each request to the handler of the longest path, with the peer', async () => {
  await start()
  server.route('/', text('root'))
  server.route('/api', (_request, peer) => Response.json(peer))
  const end = server.route('/api/deep', text('deep'))
  expect(await (await get('/other')).text()).toBe('root')
  expect(await (await get('/api/x')).json()).toMatchObject({
    address: '127.0.0.1',
    listener: 'httpServer',
    transport: 'http',
  })
  expect(await (await get('/api/deep/er?x=1')).text()).toBe('deep')
  expect(await (await get('/apis')).text()).toBe('root')
  end()
  expect(await (await get('/api/deep')).json()).toHaveProperty('address')
})

it('refuses a path that is served, and one that is none', async () => {
  await start()
  server.route('/api', text(''))
  expect(() => server.route('/api', text(''))).toThrow('/api is served by another component')
  for (const path of ['api', '/api/', ''])
    expect(() => server.route(path, text(''))).toThrow('A path begins with a slash')
})

it('answers 404 where nothing is served', async () => {
  await start()
  const response = await get('/nothing')
  expect([response.status, await response.json()]).toEqual([404, { error: 'There is no such page.' }])
})

it('gives handlers the method, the headers and the body', async () => {
  await start()
  server.route('/echo', async (request) =>
    Response.json({ method: request.method, header: request.headers.get('x-a'), body: await request.text() }),
  )
  const response = await get('/echo', { method: 'POST', body: 'ü', headers: { 'X-A': 'b' } })
  expect(await response.json()).toEqual({ method: 'POST', header: 'b', body: 'ü' })
})

it('logs what a handler fails with, and tells the client nothing of it', async () => {
  await start()
  server.route('/fails', () => Promise.reject(new Error('secret')))
  const response = await get('/fails')
  expect(response.status).toBe(500)
  expect(await response.text()).not.toContain('secret')
  expect(log.at('error')).toMatchObject([{ err: { message: 'secret' }, path: '/fails' }])
  expect(server.counters.failed).toBe(1)
})

it('ends the connection when a body fails, and logs it', async () => {
  await start()
  const stream = () => new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) })
  server.route('/fails', () => new Response(stream()))
  await expect(get('/fails').then((response) => response.text())).rejects.toThrow()
  expect(log.at('error')).toMatchObject([{ err: { message: 'broken' } }])
})

it('aborts the signal and cancels the body when the client closes the connection', async () => {
  await start()
  const events: string[] = []
  const done = new Promise<void>((resolve) => {
    server.route('/stream', ({ signal }) => {
      signal.addEventListener('abort', () => events.push('aborted'))
      const cancel = (): void => {
        events.push('cancelled')
        resolve()
      }
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('x')), cancel }))
    })
  })
  const controller = new AbortController()
  const response = await get('/stream', { signal: controller.signal })
  await response.body!.getReader().read()
  expect(server.openRequests).toBe(1)
  controller.abort()
  await done
  await expect.poll(() => [...events].sort()).toEqual(['aborted', 'cancelled'])
  await expect.poll(() => server.openRequests).toBe(0)
})

it('a body waits for a client that does not read', async () => {
  await start()
  let pulled = 0
  const stream = new ReadableStream({
    pull: (controller) => {
      pulled += 1
      controller.enqueue(new Uint8Array(64 * 1024))
      if (pulled === 10_000) controller.close()
    },
  })
  server.route('/large', () => new Response(stream))
  const socket = await open()
  socket.pause()
  socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n')
  let last = -1
  await expect
    .poll(() => {
      const before = last
      last = pulled
      return pulled > 0 && before === pulled
    })
    .toBe(true)
  expect(pulled).toBeLessThan(1_000)
})

it.each([
  ['127.0.0.1:1', 200],
  ['localhost', 200],
  ['LOCALHOST:18083', 200],
  ['a.localhost', 200],
  ['[::1]:80', 200],
  ['192.0.2.7', 200],
  ['broker.example.com', 200],
  ['evil.example.com', 421],
  ['127.0.0.1.evil.com', 421],
  ['localhost.evil.com', 421],
  ['[evil]', 421],
  ['user@localhost', 421],
  ['localhost/', 421],
  ['', 421],
])('a request for the host "%s" gets %i', async (host, status) => {
  await start({ hosts: ['Broker.example.com'] })
  server.route('/x', text('served'))
  expect(await answerTo(`GET /x HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toContain(
    `HTTP/1.1 ${status} `,
  )
})

it('refuses a body that is too large, announced or not', async () => {
  await start({ maximumBodyBytes: 10 })
  server.route('/x', async (request) => new Response(await request.text()))
  expect(await (await get('/x', { method: 'POST', body: 'x'.repeat(10) })).text()).toBe('x'.repeat(10))
  const head = 'POST /x HTTP/1.1\r\nHost: localhost\r\n'
  expect(await answerTo(`${head}Content-Length: 1000000000000\r\n\r\nxx`)).toContain('HTTP/1.1 413 ')
  expect(await answerTo(`${head}Transfer-Encoding: chunked\r\n\r\nb\r\n${'x'.repeat(11)}\r\n`)).toContain(
    'HTTP/1.1 413 ',
  )
  expect(server.counters.refused.body).toBe(2)
  expect(log.at('warn')).toHaveLength(1)
})

it('refuses a URL that is too long, and one that is none', async () => {
  await start({ maximumUrlLength: 64 })
  expect((await get(`/${'x'.repeat(64)}`)).status).toBe(414)
  const ending = ' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  expect(await answerTo(`GET http://evil.example.com/${ending}`)).toContain('HTTP/1.1 400 ')
  expect(await answerTo(`TRACE /${ending}`)).toContain('HTTP/1.1 400 ')
  expect(await answerTo(`GET /${'x'.repeat(20_000)}${ending}`)).toContain('HTTP/1.1 431 ')
})

it('closes connections that send their headers or their body too slowly', async () => {
  await start({ headersDeadlineMs: 50, requestDeadlineMs: 100 })
  server.route('/x', text(''))
  expect(await answerTo('GET /x HTTP/1.1\r\nHost: local')).toContain('HTTP/1.1 408 ')
  const slow = 'POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nab'
  await answerTo(slow)
  await expect.poll(() => [server.openRequests, server.connections]).toEqual([0, 0])
})

it('refuses connections beyond maximumConnections, and counts them', async () => {
  await start({ maximumConnections: 2, maximumConnectionsPerAddress: 2 })
  await open()
  await open()
  const third = await open()
  await once(third, 'close')
  expect(server.counters.refused.connections).toBe(1)
  expect(log.at('warn')[0]!.message).toContain('maximumConnections')
})

it('refuses connections of one address beyond its part, and takes others once some are closed', async () => {
  await start({ maximumConnectionsPerAddress: 2 })
  const first = await open()
  await open()
  const refused = await open()
  await once(refused, 'close')
  expect([server.counters.refused.address, server.connections]).toEqual([1, 2])
  expect(log.at('warn')[0]!.message).toContain('maximumConnectionsPerAddress')
  first.destroy()
  await expect.poll(() => server.connections).toBe(1)
  server.route('/x', text('open again'))
  expect(await (await get('/x')).text()).toBe('open again')
})

it('serves a bounded number of the requests of one connection at the same time', async () => {
  await start()
  let served = 0
  server.route('/wait', () => {
    served += 1
    return new Promise(() => undefined)
  })
  const socket = await open()
  socket.write('GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50))
  await expect.poll(() => server.counters.refused.pipelined).toBe(42)
  expect(served).toBe(8)
})

it('leaves nothing behind of requests that wait for another one of their connection when it is closed', async () => {
  await start()
  let aborted = 0
  let cancelled = 0
  server.route('/stream', ({ signal }) => {
    signal.addEventListener('abort', () => {
      aborted += 1
    })
    const cancel = (): void => {
      cancelled += 1
    }
    return new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('x')), cancel }))
  })
  const socket = await open()
  socket.write('GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(20))
  await expect.poll(() => [server.counters.answered[2], server.counters.refused.pipelined]).toEqual([8, 12])
  expect(server.openRequests).toBe(20)
  socket.destroy()
  await expect.poll(() => [server.openRequests, aborted, cancelled]).toEqual([0, 8, 8])
})

it('limits how often an address sends requests', async () => {
  await start({ requestRate: 0.001, requestBurst: 3 })
  server.route('/x', text(''))
  const answers: number[] = []
  for (let count = 0; count < 5; count += 1) answers.push((await get('/x')).status)
  expect(answers).toEqual([200, 200, 200, 429, 429])
  expect(server.counters.refused.rate).toBe(2)
})

it('ends streams when it stops', async () => {
  await start()
  server.route(
    '/stream',
    () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('x')) })),
  )
  const response = await get('/stream')
  const reader = response.body!.getReader()
  await reader.read()
  await httpServer.stop!(server, lifecycleContext('httpServer'))
  await expect(reader.read()).rejects.toThrow()
  await start()
})

it.each(['0.0.0.0', '::'])('is not opened on %s unless that is allowed', async (host) => {
  await start()
  const opening = httpServer.start(
    httpServer.config.parse({ port: 0, host }),
    { logger: log },
    lifecycleContext('httpServer'),
  )
  await expect(opening).rejects.toThrow(/httpServer is not opened on .*allowRemote: true/)
})

it('on an address of the network it is not local, and warns without TLS', async () => {
  await start({ host: '0.0.0.0', allowRemote: true })
  expect(server.isLocal).toBe(false)
  expect(log.at('warn')).toMatchObject([{ message: expect.stringContaining('is not encrypted') }])
})

it('serves HTTPS', async () => {
  const { authority, server: own } = await testCertificates()
  await start(files.pair('own', own))
  server.route('/x', ({ url }, { transport }) => Response.json({ url, transport }))
  const sent = secureRequest({
    port: server.port,
    path: '/x',
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authority.cert,
  })
  sent.end()
  const [response] = await once(sent, 'response')
  let body = ''
  for await (const chunk of response) body += chunk
  expect(JSON.parse(body)).toEqual({ url: `https://127.0.0.1:${server.port}/x`, transport: 'https' })
  expect(await httpServer.refresh!(server, lifecycleContext('httpServer'))).toContain('certificates reloaded')
})

it('needs cert and key together', () => {
  expect(httpServer.config.safeParse({ cert: 'a' }).error?.issues).toMatchObject([{ path: ['key'] }])
  expect(httpServer.config.safeParse({ key: 'a' }).error?.issues).toMatchObject([{ path: ['cert'] }])
})

it('says that the process is alive, and when the system is ready', async () => {
  let state: SystemState = 'starting'
  let components: readonly ComponentStatus[] = [component('store', { state: 'starting' }), component('logger')]
  await start(
    {},
    {
      get state() {
        return state
      },
      status: () => components,
    },
  )
  const ask = async (path: string) => {
    const response = await get(path)
    return [response.status, await response.json()]
  }
  expect(await ask('/livez')).toEqual([200, { live: true }])
  expect(await ask('/readyz')).toEqual([503, { ready: false, state: 'starting', components: ['store'] }])
  state = 'running'
  components = [component('store', { unready: 'secret reason' }), component('other', { state: 'disabled' })]
  expect(await ask('/readyz')).toEqual([503, { ready: false, state: 'running', components: ['store'] }])
  expect(await ask('/status')).toMatchObject([200, { state: 'running', ready: false }])
  components = [component('store')]
  expect(await ask('/readyz')).toEqual([200, { ready: true }])
  expect(await ask('/status')).toEqual([200, { state: 'running', ready: true, uptimeSeconds: expect.any(Number) }])
  expect((await get('/readyz', { method: 'HEAD' })).status).toBe(200)
  expect((await get('/readyz', { method: 'POST' })).status).toBe(405)
  expect((await get('/readyz/more')).status).toBe(404)
})
