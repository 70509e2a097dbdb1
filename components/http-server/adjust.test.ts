import { once } from 'node:events'
import { request as secureRequest } from 'node:https'
import { connect } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { applyAdjustments } from '../../test/helpers/apply-adjustment.ts'
import { TestAuthority, TestFiles } from '../../test/helpers/certificates.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { httpServer } from './index.ts'
import type { NodeHttpServer } from './node-http-server.ts'

const files = new TestFiles()
afterAll(() => files.remove())

describe('the adjustment of an HTTP server', () => {
  const context = lifecycleContext('httpServer')
  const logger = new RecordingLogger()
  const running: NodeHttpServer[] = []
  afterEach(async () => {
    for (const server of running.splice(0)) await httpServer.stop!(server, context)
  })

  const configOf = (config: object) => httpServer.config.parse({ port: 0, drainMs: 0, ...config })
  const start = async (config: object = {}) => {
    const server = (await httpServer.start(configOf(config), { logger }, context)) as NodeHttpServer
    running.push(server)
    server.route('/here', () => new Response('here'))
    return server
  }
  const adjust = async (server: NodeHttpServer, config: object) => {
    const adjustment = await httpServer.adjust!(server, configOf(config), { logger }, context)
    await applyAdjustments([adjustment], () => undefined)
  }
  const get = async ({ address }: NodeHttpServer, path = '/here', headers = {}) => {
    const { status } = await fetch(`http://${address}${path}`, { headers })
    return status
  }
  /** The status of an answer, and the serial number of the certificate. */
  const secureGet = async ({ port }: NodeHttpServer, ca: string) => {
    const request = secureRequest({ host: 'localhost', port, path: '/here', ca, agent: false }).end()
    const [response] = (await once(request, 'response')) as [{ statusCode: number; socket: TLSSocket; resume(): void }]
    const serial = Number.parseInt(response.socket.getPeerCertificate().serialNumber, 16)
    response.resume()
    return [response.statusCode, serial]
  }

  it('takes over its limits, and keeps its routes and its connections', async () => {
    const server = await start()
    const open = async () => {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
      await once(socket, 'connect')
      return socket
    }
    const held = await open()
    await expect.poll(() => server.connections).toBe(1)
    await adjust(server, { maximumUrlLength: 64, maximumConnectionsPerAddress: 1 })
    await once((await open()).resume(), 'close')
    const answer = once(held, 'data')
    held.write(`GET /here?${'x'.repeat(100)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    expect(String((await answer)[0])).toContain('HTTP/1.1 414')
    held.destroy()
    await expect.poll(() => server.connections).toBe(0)
    await adjust(server, {})
    expect(await get(server)).toBe(200)
  })

  it('takes over the names of hosts and the rate of requests', async () => {
    const server = await start()
    const forName = async () => {
      const socket = connect(server.port, '127.0.0.1')
      socket.end('GET /here HTTP/1.1\r\nHost: broker.example.com\r\nConnection: close\r\n\r\n')
      const [answer] = (await once(socket, 'data')) as [Buffer]
      return answer.toString().slice(9, 12)
    }
    expect(await forName()).toBe('421')
    await adjust(server, { hosts: ['broker.example.com'] })
    expect(await forName()).toBe('200')
    await adjust(server, { requestRate: 0.001, requestBurst: 1 })
    expect([await get(server), await get(server)]).toEqual([200, 429])
  })

  it('listens on another port, with its routes', async () => {
    const [server, other] = [await start(), await start()]
    const { address, port } = server
    await expect(adjust(server, { port: other.port })).rejects.toThrow('EADDRINUSE')
    expect(await get(server)).toBe(200)
    await httpServer.stop!(other, context)
    running.splice(running.indexOf(other), 1)
    await adjust(server, { port: other.port })
    expect([server.port, await get(server)]).toEqual([other.port, 200])
    await expect(fetch(`http://${address}/here`)).rejects.toThrow('fetch failed')
    expect(port).not.toBe(server.port)
  })

  it('goes back to its address and its limits when a reset is undone', async () => {
    const [server, other] = [await start(), await start()]
    await httpServer.stop!(other, context)
    running.splice(running.indexOf(other), 1)
    const { port } = server
    const config = configOf({ port: other.port, maximumUrlLength: 64 })
    const adjustment = await httpServer.adjust!(server, config, { logger }, context)
    const failing = {
      commit: () => {
        throw new Error('another component')
      },
      undo: () => undefined,
    }
    await expect(applyAdjustments([adjustment, failing], () => undefined)).rejects.toThrow('another component')
    expect([server.port, await get(server, `/here?${'x'.repeat(100)}`)]).toEqual([port, 200])
  })

  it('has new certificates for new connections', async () => {
    const authority = await TestAuthority.create()
    const [first, second] = [await authority.server(), await authority.server()]
    const config = { ...files.pair('changing', first), reloadIntervalMs: 86_400_000 }
    expect(httpServer.reads!(configOf(config))).toEqual([config.cert, config.key])
    const server = await start(config)
    expect(await secureGet(server, authority.cert)).toEqual([200, Number.parseInt(first.serial, 16)])
    files.pair('changing', second)
    await adjust(server, config)
    expect(await secureGet(server, authority.cert)).toEqual([200, Number.parseInt(second.serial, 16)])
    files.write('changing.key', first.key)
    await expect(adjust(server, config)).rejects.toThrow('changing')
    expect(await secureGet(server, authority.cert)).toEqual([200, Number.parseInt(second.serial, 16)])
  })

  it('refuses an address that other machines reach, and asks for a restart for what it cannot change', async () => {
    const server = await start()
    await expect(adjust(server, { port: 1, host: '0.0.0.0' })).rejects.toThrow('is not opened on 0.0.0.0')
    const prepare = async (config: object) => httpServer.adjust!(server, configOf(config), { logger }, context)
    await expect(prepare({ cert: 'a', key: 'b' })).rejects.toThrow('HTTPS was turned on or off')
    const fixed = configOf({ port: server.port })
    const atPort = (await httpServer.adjust!(server, fixed, { logger }, context)) satisfies object
    await expect(applyAdjustments([atPort], () => undefined)).rejects.toThrow('EADDRINUSE')
  })
})
