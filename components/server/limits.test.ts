import { afterEach, describe, expect, it } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import type { Transport, TransportServer } from '../../src/kinds/transport.ts'
import { FakeSocket } from '../../test/helpers/fake-socket.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { peerAt } from '../../test/helpers/peer-at.ts'
import { RawClient } from '../../test/helpers/raw-client.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { server } from './index.ts'
import type { MqttServer } from './mqtt-server.ts'

const log = new RecordingLogger()
const context = lifecycleContext('server')

/** What a test may say about the connections that it has. */
interface Handler {
  unfinished: (connection: Connection) => boolean
  stopped: Connection[]
}

/** A pipeline that answers every chunk with 01, and fails to authenticate the client upon the byte ff. */
const pipelineOf = (handler: Handler): PipelineStage[] => [
  {
    role: 'decoder',
    open: (connection, next) => ({
      bytes: (chunk) => {
        if (chunk[0] === 0xff) {
          connection.noteFailedAuthentication()
          connection.close('failed')
        } else next.packet({ cmd: 'pingreq' })
        return chunk.length
      },
    }),
  },
  {
    role: 'handler',
    open: (connection, next) => ({
      packet: (packet) => next.packet(packet),
      publish: () => undefined,
      unfinished: () => handler.unfinished(connection),
      stopping: () => void handler.stopped.push(connection),
    }),
  },
  { role: 'encoder', open: (_, next) => ({ packet: () => next.bytes(Uint8Array.of(1)), publish: () => undefined }) },
]

let running: MqttServer[] = []
const clients: RawClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.destroy()
  for (const instance of running.splice(0)) await server.stop?.(instance, context)
})

const newHandler = (): Handler => ({ unfinished: () => false, stopped: [] })
const start = async (config: object, transports: readonly Transport[] = [], handler = newHandler()) => {
  log.lines.length = 0
  const parsed = server.config.parse({ port: 0, unlimitedAddresses: [], closeDeadlineMs: 20, ...config } as never)
  const dependencies = { pipeline: pipelineOf(handler), transports: [...transports], logger: log }
  const instance = (await server.start(parsed, dependencies, context)) as MqttServer
  running.push(instance)
  return instance
}
const connect = async ({ port }: { readonly port: number }) => {
  const client = await RawClient.connect(port)
  clients.push(client)
  return client
}
/** Connects, and waits until the server has answered or closed the connection. @returns whether it answered. */
const isServed = async (instance: MqttServer): Promise<boolean> => {
  const client = await connect(instance)
  return client
    .send('00')
    .receive(1)
    .then(
      () => true,
      () => false,
    )
}
const refusedLines = () =>
  log
    .at('warn')
    .map(({ message }) => message)
    .filter((message) => message.startsWith('Connections refused'))
    .map((message) => message.replace(/^.*:\d+: /, ''))

/** A transport whose connections a test makes. */
class TestTransport implements Transport {
  readonly name = 'testTransport'
  readonly transport = 'test'
  readonly address = 'nowhere'
  readonly isLocal = true
  readonly adoptable = false
  readonly options: Transport['options']
  server: TransportServer | undefined
  constructor(options: Partial<Transport['options']> = {}) {
    this.options = { mountPoint: '', ...options }
  }

  serve(target: TransportServer): void {
    this.server = target
  }

  hold(): void {
    this.server = undefined
  }

  /** A connection of a peer. @returns its stream. */
  accept(peer: Peer): FakeSocket {
    const stream = new FakeSocket()
    this.server!.accept(stream, peer)
    return stream
  }
}

describe('the limits of the server, over real sockets', () => {
  it('refuse connections of an address that connects too often, before a byte is read', async () => {
    const instance = await start({ connectRate: 0.001, connectBurst: 2 })
    expect([await isServed(instance), await isServed(instance), await isServed(instance)]).toEqual([true, true, false])
    expect(instance.counters).toMatchObject({ accepted: 2, refused: 1, refusedByRate: 1, bytesReceived: 2 })
    expect(instance.listeners).toMatchObject([{ accepted: 2, refused: 1 }])
    expect(refusedLines()).toEqual(['its address connects more often than connectRate and connectBurst allow'])
  })

  it('refuse connections of an address that has too many, until one of them has ended', async () => {
    const instance = await start({ maximumConnectionsPerAddress: 2 })
    const first = await connect(instance)
    await first.send('00').receive(1)
    expect([await isServed(instance), await isServed(instance)]).toEqual([true, false])
    expect(instance.counters).toMatchObject({ refused: 1, refusedByAddress: 1 })
    expect(refusedLines()).toEqual(['its address has as many as maximumConnectionsPerAddress allows'])
    first.socket.destroy()
    await expect.poll(() => instance.connections).toBe(1)
    expect([await isServed(instance), instance.addresses]).toEqual([true, { banned: 0, connected: 1 }])
  })

  it('ban an address whose clients fail to authenticate, and accept it when the ban is ended', async () => {
    const instance = await start({ banAfterFailures: 2 })
    const kept = await connect(instance)
    await kept.send('00').receive(1)
    for (const _ of [1, 2]) await (await connect(instance)).send('ff').closed
    expect([await isServed(instance), instance.counters]).toMatchObject([false, { bans: 1, refusedByBan: 1 }])
    expect(refusedLines()).toEqual(['its address is banned; bans() lists the bans, unban(address) ends one'])
    // Who is connected stays connected.
    expect(await kept.send('00').receive(1)).toBe('01')
    expect(instance.bans()).toMatchObject([{ address: '127.0.0.1', byOperator: false }])
    expect([instance.unban('127.0.0.1'), await isServed(instance)]).toEqual([true, true])
  })

  it('keep bans over a reset', async () => {
    const instance = await start({})
    instance.ban('127.0.0.1', 1_000)
    running = []
    const suspended = await server.suspend?.(instance, context)
    const config = server.config.parse({ port: 0, unlimitedAddresses: [] } as never)
    const dependencies = { pipeline: pipelineOf(newHandler()), transports: [], logger: log }
    const successor = (await server.resume?.(config, dependencies, suspended, context)) as MqttServer
    running.push(successor)
    expect([successor.bans(), await isServed(successor)]).toMatchObject([
      [{ address: '127.0.0.1', byOperator: true }],
      false,
    ])
  })

  it('measure what they count', async () => {
    const instance = await start({ connectRate: 0.001, connectBurst: 1 })
    instance.ban('192.0.2.7', 10)
    await isServed(instance)
    await isServed(instance)
    const read = (name: string) =>
      server
        .measure?.(instance)
        .find((measure) => measure.name === name)
        ?.read()
    expect(['connected', 'banned', 'refused', 'refused_by_rate', 'draining'].map(read)).toEqual([1, 1, 1, 1, 0])
  })
})

describe('a transport', () => {
  const client = peerAt('192.0.2.7:5123')

  it('has as many connections as its own maximumConnections allows, independent of other listeners', async () => {
    const transport = new TestTransport({ maximumConnections: 1 })
    const instance = await start({}, [transport])
    const [first, second] = [transport.accept(client), transport.accept(client)]
    await expect.poll(() => second.destroyed).toBe(true)
    expect([first.destroyed, await isServed(instance)]).toEqual([false, true])
    expect(instance.listeners).toMatchObject([{ refused: 0 }, { connections: 1, refused: 1 }])
    expect(instance.counters).toMatchObject({ refused: 1, refusedByListener: 1 })
    expect(log.at('warn').at(-1)?.message).toBe(
      'Connections refused, the last one from 192.0.2.7:5123: testTransport has as many as its maximumConnections allows',
    )
  })

  it('that asks before its handshake counts each connection once', async () => {
    const transport = new TestTransport()
    const instance = await start({ connectRate: 0.001, connectBurst: 2 }, [transport])
    const ask = () => transport.server!.admits(client)
    expect([ask(), ask(), ask()]).toEqual([true, true, false])
    expect(instance.counters).toMatchObject({ refused: 1, refusedByRate: 1 })
    const streams = [transport.accept(client), transport.accept(client)]
    await expect.poll(() => instance.connections).toBe(2)
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, false])
  })

  it('is told before a handshake that there is no room, or that the address is banned', async () => {
    const transport = new TestTransport({ maximumConnections: 1 })
    const instance = await start({}, [transport])
    const ask = () => transport.server!.admits(client)
    expect(ask()).toBe(true)
    transport.accept(client)
    await expect.poll(() => instance.connections).toBe(1)
    expect([ask(), instance.counters.refusedByListener]).toEqual([false, 1])
    instance.ban('192.0.2.7', 10)
    expect([ask(), instance.counters.refusedByBan]).toEqual([false, 1])
  })

  it('whose proxy sent the address has the limits of that address', async () => {
    const transport = new TestTransport()
    const instance = await start({ banAfterFailures: 1 }, [transport])
    instance.ban('192.0.2.7', 10)
    const proxied = { ...client, proxied: true }
    const [banned, other] = [transport.accept(proxied), transport.accept({ ...proxied, address: '192.0.2.8' })]
    await expect.poll(() => instance.connections).toBe(1)
    expect([banned.destroyed, other.destroyed]).toEqual([true, false])
  })
})

describe('a server that stops', () => {
  it('ends connections without anything under way at once, and all other connections when they have finished', async () => {
    const handler = newHandler()
    let isFinished = false
    handler.unfinished = ({ id }) => id === 1 && !isFinished
    const instance = await start({ drainMs: 60_000 }, [], handler)
    const [busy, idle] = [await connect(instance), await connect(instance)]
    await busy.send('00').receive(1)
    await idle.send('00').receive(1)
    running = []
    const stopped = server.stop?.(instance, context)
    expect([instance.draining, server.unready?.(instance)]).toEqual([true, 'it stops, and takes no connections'])
    await idle.closed
    expect(handler.stopped.map(({ id }) => id)).toEqual([2])
    // What is under way still goes both ways, and no connection is taken.
    expect(await busy.send('00').receive(1)).toBe('01')
    await expect(RawClient.connect(instance.port)).rejects.toThrow('ECONNREFUSED')
    isFinished = true
    await Promise.all([busy.closed, stopped])
    expect(handler.stopped.map(({ id }) => id)).toEqual([2, 1])
  })

  it('ends all of them at its deadline', async () => {
    const handler = newHandler()
    handler.unfinished = () => true
    const instance = await start({ drainMs: 30 }, [], handler)
    const client = await connect(instance)
    await client.send('00').receive(1)
    running = []
    await Promise.all([client.closed, server.stop?.(instance, context)])
    expect(handler.stopped).toHaveLength(1)
  })
})
