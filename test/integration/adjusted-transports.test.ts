import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { server } from '../../components/server/index.ts'
import type { MqttServer } from '../../components/server/mqtt-server.ts'
import { tls } from '../../components/tls/index.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import type { Adjustment, LifecycleContext } from '../../src/system/define-system.ts'
import { applyAdjustments } from '../helpers/apply-adjustment.ts'
import { type KeyPair, TestAuthority, TestFiles } from '../helpers/certificates.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { WebSocketClient } from '../helpers/web-socket-client.ts'

const files = new TestFiles()
let authority: TestAuthority
let pairs: KeyPair[]
beforeAll(async () => {
  authority = await TestAuthority.create()
  pairs = await Promise.all([authority.server(), authority.server(), authority.client('device-1')])
})
afterAll(() => files.remove())

/** A part of a component that the tests use, with any types. */
interface Adjustable {
  readonly config: { parse(config: object): unknown }
  start(config: never, dependencies: never, context: LifecycleContext): unknown
  adjust?(instance: never, config: never, dependencies: never, context: LifecycleContext): unknown
  stop?(instance: never, context: LifecycleContext): unknown
}

/** Answers each packet with a PINGRESP that is as long as a frame may be: `d000`. The connections are kept in their order. */
const pipelineOf = (connections: Connection[]): PipelineStage[] => [
  {
    role: 'decoder',
    open: (connection, next) => {
      connections.push(connection)
      return {
        bytes: (chunk) => {
          next.packet({ cmd: 'pingresp' })
          return chunk.length
        },
      }
    },
  },
  { role: 'handler', open: (_, next) => next },
  {
    role: 'encoder',
    open: (_, next) => ({ packet: () => next.bytes(Buffer.from('d000', 'hex')), publish: () => undefined }),
  },
]

describe('the adjustment of a transport', () => {
  const logger = new RecordingLogger()
  const context = lifecycleContext('tested')
  const closing: (() => unknown)[] = []
  const streams: Duplex[] = []
  const connections: Connection[] = []
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.destroy()
    for (const close of closing.splice(0)) await close()
    connections.length = 0
  })

  const start = async <T extends Transport>(component: object, config: object) => {
    const adjustable = component as Adjustable
    const parsed = (from: object) => adjustable.config.parse(from) as never
    const transport = (await adjustable.start(parsed(config), { logger } as never, context)) as T
    const core = (await server.start(
      server.config.parse({ port: 0, closeDeadlineMs: 100 }),
      { pipeline: pipelineOf(connections), transports: [transport], logger },
      context,
    )) as MqttServer
    closing.push(
      () => server.stop?.(core, context),
      () => adjustable.stop?.(transport as never, context),
    )
    const prepare = async (to: object) =>
      (await adjustable.adjust!(transport as never, parsed(to), { logger } as never, context)) as Adjustment
    const adjust = async (to: object) => applyAdjustments([await prepare(to)], () => core.settle())
    return { transport, core, prepare, adjust }
  }
  const opened = <T extends Duplex>(stream: T): T => {
    streams.push(stream)
    stream.on('error', () => undefined)
    return stream
  }
  const secure = async (port: number, more: object = {}): Promise<TLSSocket> => {
    const options = { port, host: '127.0.0.1', ca: authority.cert, servername: 'localhost', ...more }
    const socket = opened(connectTls(options))
    await once(socket, 'secureConnect')
    return socket
  }
  const answers = async (stream: Duplex) => {
    const answer = once(stream, 'data')
    stream.write('x')
    expect(((await answer) as [Buffer])[0].toString('hex')).toBe('d000')
  }
  const serialOf = (socket: TLSSocket) => Number.parseInt(socket.getPeerCertificate().serialNumber, 16)
  const serials = () => pairs.map(({ serial }) => Number.parseInt(serial, 16))

  it('gives new TLS connections the new certificate, while the others go on with the one that they began with', async () => {
    const config = { port: 0, ...files.pair('changing', pairs[0]!), reloadIntervalMs: 86_400_000 }
    expect(tls.reads?.(tls.config.parse(config))).toEqual([config.cert, config.key])
    const { transport, adjust } = await start<Transport & { port: number }>(tls, config)
    const first = await secure(transport.port)
    await answers(first)
    files.pair('changing', pairs[1]!)
    await adjust(config)
    const second = await secure(transport.port)
    await answers(second)
    await answers(first)
    expect([serialOf(first), serialOf(second)]).toEqual(serials().slice(0, 2))
  })

  it('refuses a certificate with the key of another one before anything changes', async () => {
    const config = { port: 0, ...files.pair('good', pairs[0]!) }
    const { transport, adjust } = await start<Transport & { port: number }>(tls, config)
    const first = await secure(transport.port)
    await answers(first)
    const wrong = { ...config, cert: files.write('other.pem', pairs[1]!.cert), mountPoint: 'x/' }
    await expect(adjust(wrong)).rejects.toThrow('other.pem')
    await answers(first)
    await answers(await secure(transport.port))
    expect(connections.map(({ listener }) => listener.mountPoint)).toEqual(['', ''])
  })

  it('goes back to the certificate before when a reset is undone', async () => {
    const config = { port: 0, ...files.pair('undone', pairs[0]!) }
    const { transport, prepare, core } = await start<Transport & { port: number }>(tls, config)
    const changed = await prepare({ ...config, ...files.pair('next', pairs[1]!), applicationProtocols: ['other'] })
    const failing: Adjustment = {
      commit: () => {
        throw new Error('another component')
      },
      undo: () => undefined,
    }
    await expect(applyAdjustments([changed, failing], () => core.settle())).rejects.toThrow('another component')
    const client = await secure(transport.port, { ALPNProtocols: ['mqtt'] })
    await answers(client)
    expect(serialOf(client)).toBe(serials()[0])
  })

  it('asks new TLS clients for a certificate, and keeps those that have none', async () => {
    const config = { port: 0, ...files.pair('asking', pairs[0]!) }
    const { transport, adjust } = await start<Transport & { port: number }>(tls, config)
    const first = await secure(transport.port)
    await answers(first)
    await adjust({ ...config, clientCertificates: 'require', ca: files.write('ca.pem', authority.cert) })
    const refused = opened(connectTls({ port: transport.port, ca: authority.cert, servername: 'localhost' }))
    await once(refused, 'close')
    const { cert, key } = pairs[2]!
    await answers(await secure(transport.port, { cert, key }))
    await answers(first)
  })

  it('has options for connections that are accepted from now on', async () => {
    const config = { port: 0, ...files.pair('options', pairs[0]!) }
    const { transport, adjust } = await start<Transport & { port: number }>(tls, config)
    const first = await secure(transport.port)
    await answers(first)
    await adjust({ ...config, mountPoint: 'site-1/', maximumConnections: 2 })
    await answers(await secure(transport.port))
    await answers(first)
    expect(connections.map(({ listener }) => listener.mountPoint)).toEqual(['', 'site-1/'])
    const third = opened(connectTcp(transport.port, '127.0.0.1'))
    await once(third.resume(), 'close')
  })

  it('listens on another port, and its TLS connections stay', async () => {
    const config = { port: 0, ...files.pair('moving', pairs[0]!) }
    const { transport, adjust } = await start<Transport & { port: number }>(tls, config)
    const first = await secure(transport.port)
    await answers(first)
    const old = transport.port
    const free = await start<Transport & { port: number }>(tls, config)
    const wanted = free.transport.port
    await expect(adjust({ ...config, port: wanted })).rejects.toThrow('EADDRINUSE')
    expect(transport.port).toBe(old)
    for (const close of closing.splice(-2)) await close()
    await adjust({ ...config, port: wanted })
    expect(transport.port).toBe(wanted)
    await answers(first)
    await answers(await secure(wanted))
    const refused = opened(connectTcp(old, '127.0.0.1'))
    await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED')
  })

  it('changes the path of WebSocket requests, and its connections stay', async () => {
    const { transport, adjust } = await start<Transport & { port: number }>(webSocket, { port: 0 })
    const first = opened(await WebSocketClient.connect(transport.port))
    await answers(first)
    await adjust({ port: 0, path: '/other', mountPoint: 'web/' })
    const refused = opened(await WebSocketClient.connect(transport.port))
    await once(refused, 'answer')
    expect(refused.answer).toContain('404')
    await answers(first)
    await adjust({ port: 0 })
    await answers(opened(await WebSocketClient.connect(transport.port)))
    await expect(adjust({ port: 0, tls: files.pair('web', pairs[0]!) })).rejects.toThrow('its connections end')
    await answers(first)
  })

  it('changes the certificate of a WebSocket listener', async () => {
    const of = (pair: KeyPair) => ({ port: 0, tls: files.pair('wss', pair) })
    const { transport, adjust } = await start<Transport & { port: number }>(webSocket, of(pairs[0]!))
    const first = await secure(transport.port)
    await adjust(of(pairs[1]!))
    const second = await secure(transport.port)
    expect([serialOf(first), serialOf(second)]).toEqual(serials().slice(0, 2))
    await answers(opened(new WebSocketClient(first)))
    await answers(opened(new WebSocketClient(second)))
  })

  it('moves a Unix socket to another path, or changes who may connect, and its connections stay', async () => {
    const [path, other] = [files.write('a.sock.txt', '').replace('.txt', ''), `${files.folder}/b.sock`]
    const { adjust } = await start(unixSocket, { path })
    const connect = async (to: string): Promise<Socket> => {
      const socket = opened(connectTcp(to))
      await once(socket, 'connect')
      return socket
    }
    const first = await connect(path)
    await answers(first)
    await adjust({ path, mode: '660' })
    expect(statSync(path).mode & 0o777).toBe(0o660)
    await adjust({ path: other })
    await answers(await connect(other))
    await answers(first)
    await expect(connect(path)).rejects.toThrow('ENOENT')
    await expect(adjust({ path: `${files.folder}/missing/c.sock` })).rejects.toThrow('does not exist')
    await answers(first)
  })
})
