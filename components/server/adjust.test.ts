import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ListenerAuthentication } from '../../src/kinds/listener-authentication.ts'
import type { HandlerStage, PacketReceiver, PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import { applyAdjustments } from '../../test/helpers/apply-adjustment.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RawClient } from '../../test/helpers/raw-client.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { tcp } from '../tcp/index.ts'
import { server } from './index.ts'
import type { MqttServer } from './mqtt-server.ts'

const answered = (chunk: Uint8Array, next: PacketReceiver): number => {
  next.packet({ cmd: 'pingreq' })
  return chunk.length
}

/** A pipeline that answers every chunk with the byte 0x01. */
const stages = (handler: Partial<HandlerStage> = {}): PipelineStage[] => [
  { role: 'decoder', open: (_, next) => ({ bytes: (chunk) => answered(chunk, next) }) },
  { role: 'handler', open: (_, next) => next, ...handler },
  { role: 'encoder', open: (_, next) => ({ packet: () => next.bytes(Uint8Array.of(1)), publish: () => undefined }) },
]

const CHECKED: ListenerAuthentication = { proof: 'none', unknown: [], known: [] }
/** The handler has lost an authenticator that the listener names. */
const UNKNOWN: ListenerAuthentication = { proof: 'none', unknown: ['gone'], known: [] }

const context = lifecycleContext('server')

describe('the adjustment of a server', () => {
  const pipeline = stages()
  const logger = new RecordingLogger()
  const closing: (() => unknown)[] = []
  const clients: RawClient[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const close of closing.splice(0)) await close()
    logger.lines.length = 0
  })

  const configOf = (config: object) => server.config.parse({ port: 0, closeDeadlineMs: 100, ...config } as object)
  const start = async (config: object = {}, transports: Transport[] = [], stagesOf = pipeline) => {
    const started = await server.start(configOf(config), { pipeline: stagesOf, transports, logger }, context)
    closing.unshift(() => server.stop?.(started as MqttServer, context))
    return started as MqttServer
  }
  const prepare = (instance: MqttServer, config: object, transports: Transport[] = [], log = logger, to = pipeline) =>
    Promise.resolve(server.adjust!(instance, configOf(config), { pipeline: to, transports, logger: log }, context))
  const adjust = async (instance: MqttServer, ...how: [object, Transport[]?, RecordingLogger?, PipelineStage[]?]) =>
    applyAdjustments([await prepare(instance, ...how)], () => instance.settle())
  const connect = async (port: number) => {
    const client = await RawClient.connect(port)
    clients.push(client)
    return client
  }
  const answers = async (client: RawClient) => expect(await client.send('00').receive(1)).toBe('01')
  const listener = async () => {
    const { transport } = await startTransport(tcp, { port: 0 })
    closing.push(() => transport.close())
    return transport
  }
  const freePort = async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    other.close()
    await once(other, 'close')
    return port
  }

  it('takes over its limits at once, and keeps the connections that are over them', async () => {
    const instance = await start()
    const [first, second] = [await connect(instance.port), await connect(instance.port)]
    await answers(first)
    await answers(second)
    await adjust(instance, { maximumConnections: 1 })
    await (await connect(instance.port)).closed
    expect(instance.counters.refused).toBe(1)
    await answers(first)
    await answers(second)
    await adjust(instance, { maximumConnections: 3 })
    await answers(await connect(instance.port))
  })

  it('takes over the limits of addresses, and keeps what is counted and banned', async () => {
    const instance = await start({ unlimitedAddresses: [] })
    await answers(await connect(instance.port))
    instance.ban('192.0.2.7', 60)
    await adjust(instance, { unlimitedAddresses: [], maximumConnectionsPerAddress: 1 })
    await (await connect(instance.port)).closed
    expect(instance.counters.refusedByAddress).toBe(1)
    expect(instance.addresses).toEqual({ banned: 1, connected: 1 })
    await adjust(instance, {})
    await answers(await connect(instance.port))
  })

  it('is undone whole: limits, transports, address and logger', async () => {
    const instance = await start()
    const client = await connect(instance.port)
    await answers(client)
    const { port } = instance
    const other = await listener()
    const log = new RecordingLogger()
    const prepared = await prepare(instance, { port: await freePort(), maximumConnections: 1 }, [other], log)
    const failing = {
      commit: () => {
        throw new Error('another component')
      },
      undo: () => undefined,
    }
    await expect(applyAdjustments([prepared, failing], () => instance.settle())).rejects.toThrow('another component')
    expect(instance.port).toBe(port)
    expect(instance.listeners).toHaveLength(1)
    await answers(client)
    await answers(await connect(port))
    logger.lines.length = 0
    instance.ban('192.0.2.7', 60)
    expect(logger.lines).toHaveLength(1)
  })

  it('writes to its new logger', async () => {
    const instance = await start()
    const log = new RecordingLogger()
    await adjust(instance, {}, [], log)
    logger.lines.length = 0
    instance.ban('192.0.2.7', 60)
    expect([logger.lines.length, log.lines.length]).toEqual([0, 1])
  })

  it('listens on another port, and its connections stay', async () => {
    const instance = await start()
    const client = await connect(instance.port)
    await answers(client)
    const old = instance.port
    const wanted = await freePort()
    const prepared = await prepare(instance, { port: wanted })
    // It is accepted by the operating system already, and waits.
    const early = await connect(wanted)
    await applyAdjustments([prepared], () => instance.settle())
    expect(instance.port).toBe(wanted)
    await answers(early)
    await answers(client)
    await answers(await connect(wanted))
    await expect(RawClient.connect(old)).rejects.toThrow('ECONNREFUSED')
  })

  it('refuses a port that is taken, and gives back what it has bound when it is given up', async () => {
    const instance = await start()
    const other = await start()
    const client = await connect(instance.port)
    await answers(client)
    await expect(adjust(instance, { port: other.port })).rejects.toThrow('EADDRINUSE')
    await answers(client)
    const wanted = await freePort()
    const prepared = await prepare(instance, { port: wanted })
    await prepared.discard?.()
    await expect(RawClient.connect(wanted)).rejects.toThrow('ECONNREFUSED')
    await answers(await connect(instance.port))
  })

  it('listens on another host at the same port, closing the old socket first, and goes back when that fails', async () => {
    const port = await freePort()
    let known = CHECKED
    const checking = stages({ authenticationOf: () => known })
    const instance = await start({ port }, [], checking)
    const client = await connect(port)
    await answers(client)
    const mapped = { port, host: '::ffff:127.0.0.1' }
    const prepared = await prepare(instance, mapped, [], logger, checking)
    const done = async () => {
      known = UNKNOWN
      await prepared.done?.()
    }
    const refusing = { ...prepared, done }
    await applyAdjustments([refusing], () => instance.settle())
    expect(logger.at('error')).toMatchObject([{ where: mapped, message: expect.stringContaining('goes back') }])
    expect(instance).toMatchObject({ host: '127.0.0.1', port })
    await answers(await connect(port))
    known = CHECKED
    await adjust(instance, mapped, [], logger, checking)
    expect(instance).toMatchObject({ host: '::ffff:127.0.0.1', port })
    await answers(await connect(port))
    await answers(client)
  })

  it('changes its backlog without closing its socket', async () => {
    const port = await freePort()
    const instance = await start({ port })
    await adjust(instance, { port, backlog: 7 })
    await answers(await connect(port))
    expect(instance.port).toBe(port)
  })

  it('serves a transport that was added, and ends the connections of one that was removed, and no others', async () => {
    const other = await listener()
    const instance = await start()
    const client = await connect(instance.port)
    await answers(client)
    await adjust(instance, {}, [other])
    const over = await connect(other.port)
    await answers(over)
    await adjust(instance, {}, [])
    await over.closed
    await answers(client)
    expect(instance.listeners.map(({ name }) => name)).toEqual(['server'])
  })

  it('ends the connections of a transport that is restarted, and no others', async () => {
    const other = await listener()
    const instance = await start({}, [other])
    const [client, over] = [await connect(instance.port), await connect(other.port)]
    await answers(client)
    await answers(over)
    await other.close()
    await over.closed
    const successor = await listener()
    await adjust(instance, {}, [successor])
    await answers(await connect(successor.port))
    await answers(client)
  })

  it('is refused if a listener must not be open as it is now', async () => {
    let known = CHECKED
    const checking = stages({ authenticationOf: () => known })
    const instance = await start({}, [], checking)
    const { port } = instance
    const prepared = await prepare(instance, { port: await freePort() }, [], logger, checking)
    known = UNKNOWN
    await expect(applyAdjustments([prepared], () => instance.settle())).rejects.toThrow('names gone')
    expect(instance.port).toBe(port)
  })

  it('takes no connections on a listener that another component has opened to a network, until that is corrected', async () => {
    let known = CHECKED
    const instance = await start({}, [], stages({ authenticationOf: () => known }))
    const client = await connect(instance.port)
    await answers(client)
    known = UNKNOWN
    expect(() => server.verify!(instance)).toThrow('names gone')
    instance.settle()
    await (await connect(instance.port)).closed
    expect(logger.at('error')).toMatchObject([{ message: 'server takes no connections any more' }])
    await answers(client)
    known = CHECKED
    instance.settle()
    await answers(await connect(instance.port))
  })

  it('is refused before anything changes when a stage cannot continue from its connections', async () => {
    const instance = await start()
    await adjust(instance, {}, [], logger, stages())
    const client = await connect(instance.port)
    await answers(client)
    await expect(prepare(instance, {}, [], logger, stages())).rejects.toThrow(
      'The connections cannot go on: the handler does not hand over the state of its connections.',
    )
    await answers(client)
  })

  it('tells the stages of a connection that is lost before the stages are swapped', async () => {
    const closed: string[] = []
    const [decoder, handler, encoder] = pipeline as [PipelineStage, HandlerStage, PipelineStage]
    const telling: PipelineStage = {
      role: 'handler',
      open: (connection, next) => ({
        ...handler.open(connection, next),
        packet: () => {
          connection.close('test')
          instance.settle()
          closed.push('settled')
        },
        publish: () => undefined,
        closed: () => closed.push('closed'),
      }),
    }
    const instance = await start({}, [], [decoder, telling, encoder])
    const client = await connect(instance.port)
    client.send('00')
    await client.closed
    await eventually(() => expect(closed).toEqual(['closed', 'settled']))
  })

  it('has sent what was gathered when it is settled', async () => {
    const pending: number[] = []
    const [decoder, , encoder] = pipeline as [PipelineStage, HandlerStage, PipelineStage]
    const sending: PipelineStage = {
      role: 'handler',
      open: (connection, next) => ({
        packet: (packet) => {
          next.packet(packet)
          pending.push(connection.pendingBytes)
          instance.settle()
          pending.push(connection.pendingBytes)
        },
        publish: () => undefined,
      }),
    }
    const instance = await start({}, [], [decoder, sending, encoder])
    await answers(await connect(instance.port))
    expect(pending).toEqual([1, 0])
  })

  it('has the next bytes read into the memory of the new decoder, when the one before had lent some', async () => {
    const lent: { readonly name: string; readonly memory: Buffer; length: number }[] = []
    /** Lends memory of its own for everything after the first chunk. */
    const lending = (name: string): PipelineStage => ({
      role: 'decoder',
      open: (_, next) => {
        const own = { name, memory: Buffer.alloc(100_000), length: 0 }
        lent.push(own)
        return {
          bytes: (chunk) => answered(chunk, next),
          readBuffer: () => own.memory,
          bytesRead: (length) => {
            own.length += length
            next.packet({ cmd: 'pingreq' })
          },
          handOver: () => undefined,
        }
      },
    })
    const [, handler, encoder] = pipeline as [PipelineStage, PipelineStage, PipelineStage]
    const instance = await start({}, [], [lending('old'), handler, encoder])
    const client = await connect(instance.port)
    await answers(client)
    await answers(client)
    await adjust(instance, {}, [], logger, [lending('new'), handler, encoder])
    expect(await client.send('abcd').receive(1)).toBe('01')
    expect(lent.map(({ name, length }) => [name, length])).toEqual([
      ['old', 1],
      ['new', 2],
    ])
    expect(lent[1]!.memory.subarray(0, 2).toString('hex')).toBe('abcd')
  })
})
