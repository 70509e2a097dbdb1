/** The code of a transport is replaced while connections begin: handshakes, headers of proxies and requests that are not complete. */

import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { server } from '../../components/server/index.ts'
import type { MqttServer } from '../../components/server/mqtt-server.ts'
import { tcp } from '../../components/tcp/index.ts'
import type { TcpListener } from '../../components/tcp/tcp-listener.ts'
import { tls } from '../../components/tls/index.ts'
import type { TlsTransport } from '../../components/tls/tls-transport.ts'
import { unixSocket } from '../../components/unix-socket/index.ts'
import { webSocket } from '../../components/web-socket/index.ts'
import type { WebSocketListener } from '../../components/web-socket/web-socket-listener.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import type { Change, Side } from '../../src/system/cut-over.ts'
import type { AnyComponent } from '../../src/system/define-system.ts'
import { applyChanges, prepareSwap } from '../helpers/apply-changes.ts'
import { TestFiles, testCertificates } from '../helpers/certificates.ts'
import { eventually } from '../helpers/eventually.ts'
import { lifecycleContext } from '../helpers/lifecycle-context.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'
import { upgradeRequest } from '../helpers/web-socket-client.ts'

const files = new TestFiles()
afterAll(() => files.remove())
const logger = new RecordingLogger()
const context = lifecycleContext('tested')

/** Answers each chunk with one byte. */
const pipeline: PipelineStage[] = [
  {
    role: 'decoder',
    open: (_, next) => ({
      bytes: (chunk) => {
        next.packet({ cmd: 'pingreq' })
        return chunk.length
      },
      handOver: () => undefined,
    }),
  },
  {
    role: 'handler',
    open: (_, next) => ({ packet: (each) => next.packet(each), publish: () => undefined, handOver: () => undefined }),
  },
  { role: 'encoder', open: (_, next) => ({ packet: () => next.bytes(Uint8Array.of(1)), publish: () => undefined }) },
]

const failing: Change = {
  name: 'last',
  adjustment: {
    commit: () => {
      throw new Error('not today')
    },
    undo: () => undefined,
  },
}

describe('a transport whose code is replaced', () => {
  const closing: (() => unknown)[] = []
  const streams: Duplex[] = []
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.destroy()
    for (const close of closing.splice(0)) await close()
  })
  const opened = <T extends Duplex>(stream: T): T => {
    streams.push(stream)
    stream.on('error', () => undefined)
    return stream
  }
  const connect = async (port: number): Promise<Socket> => {
    const socket = opened(connectTcp(port, '127.0.0.1'))
    await once(socket, 'connect')
    return socket
  }
  const answers = async (stream: Duplex) => {
    const answer = once(stream, 'data')
    stream.write('x')
    expect(((await answer) as [Buffer])[0].at(-1)).toBe(1)
  }

  const start = async <T extends Transport & { port: number; close(): Promise<void> }>(
    component: AnyComponent,
    config: object,
  ) => {
    const parse = (values: object): unknown => component.config.parse(values)
    const current: Side & { instance: T } = {
      component,
      instance: (await component.start(parse(config), { logger }, context)) as T,
    }
    const values = server.config.parse({ port: 0, closeDeadlineMs: 100 })
    const dependencies = (transport: Transport) => ({ pipeline, transports: [transport], logger })
    const core = (await server.start(values, dependencies(current.instance), context)) as MqttServer
    closing.push(
      () => server.stop?.(core, context),
      () => current.instance.close(),
    )
    const swap = async (to = config, further: readonly Change[] = []) => {
      const prepared = await prepareSwap('tested', { ...current }, { ...component }, parse(to), { logger })
      const transport = prepared.to.instance as T
      const adjustment = await server.adjust!(core, values, dependencies(transport), context)
      await applyChanges([prepared, { name: 'server', adjustment }, ...further], { server: core })
      Object.assign(current, prepared.to)
    }
    return { current, core, swap }
  }

  it('reads the rest of the header of a proxy', async () => {
    const { current, core, swap } = await start<TcpListener>(tcp as AnyComponent, {
      port: 0,
      allowAnonymous: true,
      proxyProtocol: { trusted: ['127.0.0.1'], maximumHandshakes: 1 },
    })
    const client = await connect(current.instance.port)
    client.write('PROXY TCP4 192.0.2.7')
    await eventually(() => expect(current.instance.proxies?.headers.underWay).toBe(1))
    await swap()
    // It still counts among those that may be under way.
    expect(current.instance.proxies?.headers).toMatchObject({ underWay: 1, completed: 0 })
    await once(await connect(current.instance.port), 'close')
    client.write(' 127.0.0.1 5000 1883\r\n')
    await answers(client)
    await swap()
    await answers(client)
    expect(current.instance.proxies?.headers).toMatchObject({ underWay: 0, completed: 1, refused: 1 })
    expect(core.listeners.at(-1)).toMatchObject({ connections: 1, accepted: 1 })
  })

  it('reads the rest of a request for a WebSocket, and ends those that are not complete when it stops', async () => {
    const { current, core, swap } = await start<WebSocketListener>(webSocket as AnyComponent, { port: 0 })
    const request = upgradeRequest()
    const [client, pending] = [await connect(current.instance.port), await connect(current.instance.port)]
    for (const each of [client, pending]) each.write(request.slice(0, 40))
    await eventually(() => expect(current.instance.upgrades.underWay).toBe(2))
    await swap()
    const head = once(client, 'data')
    client.write(request.slice(40))
    expect(String(((await head) as [Buffer])[0])).toContain('101 Switching Protocols')
    await eventually(() => expect(core.listeners.at(-1)).toMatchObject({ connections: 1 }))
    expect(current.instance.upgrades).toMatchObject({ underWay: 1, completed: 1 })
    const ended = once(pending, 'close')
    client.destroy()
    await eventually(() => expect(core.connections).toBe(0))
    await current.instance.close()
    await ended
  })

  it('does not begin or end TLS under connections', async () => {
    const { server: pair } = await testCertificates()
    const { current, swap } = await start<WebSocketListener>(webSocket as AnyComponent, { port: 0 })
    await expect(swap({ port: 0, tls: files.pair('secure', pair) })).rejects.toThrow('tls was added or removed')
    expect(current.instance.secure).toBeUndefined()
  })

  it('finishes a TLS handshake whose connection came before, and begins others', async () => {
    const { server: pair, authority } = await testCertificates()
    const config = { port: 0, ...files.pair('swapped', pair) }
    const { current, core, swap } = await start<TlsTransport>(tls as AnyComponent, config)
    const socket = await connect(current.instance.port)
    await eventually(() => expect(current.instance.handshakes.underWay).toBe(1))
    await swap()
    const secure = (options: object) => opened(connectTls({ ...options, ca: authority.cert, servername: 'localhost' }))
    const early = secure({ socket })
    await answers(early)
    await answers(secure({ port: current.instance.port, host: '127.0.0.1' }))
    await swap()
    await answers(early)
    expect(current.instance.handshakes).toMatchObject({ underWay: 0, completed: 2 })
    expect(core.listeners.at(-1)).toMatchObject({ connections: 2, accepted: 2 })
  })

  it('listens at another port from then on; a failure of another component is undone', async () => {
    const { current, core, swap } = await start<TcpListener>(tcp as AnyComponent, { port: 0 })
    const { port } = current.instance
    const client = await connect(port)
    await answers(client)
    const other = await freePort()
    await expect(swap({ port: other }, [failing])).rejects.toThrow('not today')
    await answers(await connect(port))
    await expect(connect(other)).rejects.toThrow('ECONNREFUSED')
    await swap({ port: other })
    expect(core.listeners.at(-1)?.address).toBe(`127.0.0.1:${other}`)
    await answers(client)
    await answers(await connect(other))
    await eventually(async () => expect(connect(port)).rejects.toThrow('ECONNREFUSED'))
    await expect(swap({ port: core.port })).rejects.toThrow('EADDRINUSE')
    await answers(await connect(other))
  })
  it('does not listen again when it is stopped before it has moved to another host at its port', async () => {
    const port = await freePort()
    const { current, swap } = await start<TcpListener>(tcp as AnyComponent, { port })
    await swap({ port, host: '::ffff:127.0.0.1' })
    await current.instance.close()
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate)
    const { server: listening } = current.instance.listening
    const isOpen = listening.listening
    listening.close()
    expect(isOpen).toBe(false)
  })
  const freePort = async (): Promise<number> => {
    const listener = await tcp.start(tcp.config.parse({ port: 0 }), { logger }, context)
    const { port } = listener
    await listener.close()
    return port
  }

  it('changes the mode of the file of a Unix socket, and back when that is undone', async () => {
    const path = join(tmpdir(), `mqtt-jig-swapped-${process.pid}.sock`)
    const { swap } = await start(unixSocket as AnyComponent, { path, mode: '600' })
    const client = opened(connectTcp(path))
    await answers(client)
    const mode = () => (statSync(path).mode & 0o777).toString(8)
    await expect(swap({ path, mode: '660' }, [failing])).rejects.toThrow('not today')
    expect(mode()).toBe('600')
    await swap({ path, mode: '660' })
    expect(mode()).toBe('660')
    await answers(client)
    await answers(opened(connectTcp(path)))
  })
})
