import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import type {
  DecoderStage,
  EncoderStage,
  HandlerStage,
  PacketReceiver,
  PipelineStage,
} from '../../src/kinds/pipeline-stage.ts'
import type { ListeningHandover } from '../../src/network/listening.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RawClient } from '../../test/helpers/raw-client.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import type { serverConfig } from './config.ts'
import { server } from './index.ts'
import { MqttServer } from './mqtt-server.ts'
import { readPipeline } from './pipeline.ts'

const answered = (chunk: Uint8Array, next: PacketReceiver): number => {
  next.packet({ cmd: 'pingreq' })
  return chunk.length
}

const closed = (connection: Connection, chunk: Uint8Array): number => {
  connection.close('test')
  return chunk.length
}

/** A pipeline that answers every chunk with the byte 0x01. */
const pipeline: PipelineStage[] = [
  { role: 'decoder', open: (_, next) => ({ bytes: (chunk) => answered(chunk, next) }) },
  { role: 'handler', open: (_, next) => next },
  { role: 'encoder', open: (_, next) => ({ packet: () => next.bytes(Uint8Array.of(1)), publish: () => undefined }) },
]
const logger = new RecordingLogger()
const context = lifecycleContext('server')
const dependencies = { pipeline, transports: [], logger }
type Config = Parameters<typeof serverConfig.parse>[0]
const configOf = (config: object) => server.config.parse({ port: 0, ...config } as Config)

describe('the server', () => {
  const running = new Set<MqttServer>()
  afterEach(async () => {
    await Promise.all([...running].map(stop))
  })
  const start = async (config: object = {}, stages = pipeline) => {
    const started = (await server.start(configOf(config), { ...dependencies, pipeline: stages }, context)) as MqttServer
    running.add(started)
    return started
  }
  const stop = (instance: MqttServer) => {
    running.delete(instance)
    return server.stop?.(instance, context)
  }
  const suspend = async (instance: MqttServer) => {
    running.delete(instance)
    return (await server.suspend?.(instance, context)) as ListeningHandover
  }
  const resume = async (config: object, suspended: unknown) => {
    const resumed = (await server.resume?.(configOf(config), dependencies, suspended, context)) as MqttServer
    running.add(resumed)
    return resumed
  }
  const freePort = async () => {
    const listener = await start()
    await stop(listener)
    return listener.port
  }
  const answers = async (client: RawClient) => expect(await client.send('00').receive(1)).toBe('01')

  it('listens on this machine alone unless told otherwise', () => {
    expect(server.config.parse({})).toMatchObject({ host: '127.0.0.1', port: 1883 })
    expect(server.describe?.(configOf({ host: '::1', port: 1884 }))).toBe('[::1]:1884')
  })

  it('reports its port, serves it, and counts its connections', async () => {
    const listener = await start()
    expect(listener).toMatchObject({ host: '127.0.0.1', port: expect.any(Number), connections: 0 })
    const client = await RawClient.connect(listener.port)
    await answers(client)
    expect(listener.connections).toBe(1)
  })

  it('prints where it listens and what it counts', async () => {
    const listener = await start()
    expect(inspect(listener)).toContain(`listeners: [ 'server: tcp 127.0.0.1:${listener.port}' ]`)
    expect(inspect(listener)).toContain('accepted: 0')
  })

  it('keeps the rest of a chunk of a paused connection while other connections send', async () => {
    const paused = new Map<number, Connection>()
    // The first byte pauses the connection; all that follow are sent back.
    const decode = (connection: Connection, chunk: Uint8Array): number => {
      if (!paused.has(connection.id)) {
        paused.set(connection.id, connection)
        connection.pause()
        return 1
      }
      connection.write(Uint8Array.from(chunk))
      return chunk.length
    }
    const stages: PipelineStage[] = [
      { role: 'decoder', open: (connection) => ({ bytes: (chunk) => decode(connection, chunk) }) },
      ...pipeline.slice(1),
    ]
    const listener = await start({}, stages)
    const clients: RawClient[] = []
    for (const letter of ['61', '62', '63']) {
      const client = await RawClient.connect(listener.port)
      client.send('00', letter.repeat(100))
      clients.push(client)
      await expect.poll(() => paused.size).toBe(clients.length)
    }
    for (const connection of paused.values()) connection.resume()
    const rests = await Promise.all(clients.map((client) => client.receive(100)))
    expect(rests).toEqual(['61', '62', '63'].map((letter) => letter.repeat(100)))
  })

  it('fails to start on a taken port, with the error of the operating system', async () => {
    const { port } = await start()
    await expect(start({ port })).rejects.toMatchObject({ code: 'EADDRINUSE', address: '127.0.0.1', port })
  })

  it('fails to start without a whole pipeline, and then has bound nothing', async () => {
    const started = server.start(configOf({}), { ...dependencies, pipeline: pipeline.slice(1) }, context)
    await expect(started).rejects.toThrow('server.dependencies.pipeline must list a decoder')
  })

  /** A server at an address that it does not listen on: a test opens nothing to the network. */
  const serverAt = (address: string, config: object, handler: Partial<HandlerStage> = {}) => {
    const listening = Object.assign(createServer(), { address: () => ({ address, port: 1883, family: 'IPv4' }) })
    const [decoder, first, encoder] = pipeline as [DecoderStage, HandlerStage, EncoderStage]
    const stages = readPipeline([decoder, { ...first, ...handler }, encoder], 'here')
    const kept = { listening: { server: listening, events: { to: undefined } }, waiting: [] }
    return new MqttServer(kept, [], configOf(config), stages, logger, 'server')
  }

  it('is not opened to other machines by a handler that checks nothing, unless the config allows it', async () => {
    logger.lines.length = 0
    await expect(serverAt('0.0.0.0', {}).serve()).rejects.toThrow('server is not opened on 0.0.0.0:1883')
    expect(logger.lines).toEqual([])
    await serverAt('0.0.0.0', { allowAnonymous: true }).serve()
    const text = 'Every host that reaches 0.0.0.0:1883 may connect: clients need not authenticate'
    expect(logger.at('warn').map(({ message }) => message)).toEqual([text])
  })

  it('that a reset may not open is not served, and the reset after it serves again', async () => {
    const handedOver = await suspend(await start())
    await expect(resume({ allowAnonymous: false }, handedOver)).rejects.toThrow('no client could connect')
    const listener = await resume({}, handedOver)
    const client = await RawClient.connect(listener.port)
    await answers(client)
    client.destroy()
  })

  it('asks the handler with its own options', async () => {
    logger.lines.length = 0
    const asked: unknown[] = []
    const authenticationOf: HandlerStage['authenticationOf'] = (options) => {
      asked.push(options)
      return { proof: 'every', unknown: [], known: ['users'] }
    }
    await serverAt('0.0.0.0', { authenticators: ['users'] }, { authenticationOf }).serve()
    expect(asked).toMatchObject([{ authenticators: ['users'] }])
    expect(logger.at('warn')).toEqual([])
  })

  it('closes connections beyond the maximum at once, counts them, and logs one line', async () => {
    const listener = await start({ maximumConnections: 1 })
    const client = await RawClient.connect(listener.port)
    await answers(client)
    logger.lines.length = 0
    for (let n = 0; n < 3; n++) await (await RawClient.connect(listener.port)).closed
    expect([listener.counters.refused, listener.connections]).toEqual([3, 1])
    expect(logger.at('warn')).toMatchObject([
      { refused: 1, maximumConnections: 1, message: expect.stringContaining('the last one from 127.0.0.1:') },
    ])
    await answers(client)
    client.destroy()
  })

  it('has a place for a new client when the previous client has closed its connection', async () => {
    const listener = await start({ maximumConnections: 10 })
    const open = () => Promise.all(Array.from({ length: 10 }, () => RawClient.connect(listener.port)))
    let clients = await open()
    for (const close of ['end', 'destroy', 'resetAndDestroy', 'end', 'destroy', 'resetAndDestroy'] as const) {
      for (const client of clients) await answers(client)
      for (const client of clients) client.socket[close]()
      clients = await open()
    }
    for (const client of clients) await answers(client)
    expect(listener.counters.refused).toBe(0)
  })

  it('does not count a connection that it has closed, and whose peer has not', async () => {
    const closing: PipelineStage[] = [
      { role: 'decoder', open: (connection) => ({ bytes: (chunk) => closed(connection, chunk) }) },
      ...pipeline.slice(1),
    ]
    const listener = await start({ maximumConnections: 2 }, closing)
    const halfOpen: Socket[] = []
    for (let n = 0; n < 6; n++) {
      const socket = connect({ host: '127.0.0.1', port: listener.port, allowHalfOpen: true })
      await once(socket, 'connect')
      const ended = once(socket.resume(), 'end')
      socket.write('x')
      await ended
      halfOpen.push(socket)
    }
    expect([listener.counters.refused, listener.connections]).toEqual([0, 6])
    for (const socket of halfOpen) socket.destroy()
  })

  it('accepts as many new connections in one turn as the work of the turn allows', async () => {
    let now = 0
    let most = 0
    const counting: PipelineStage = {
      role: 'decoder',
      open: (_, next) => {
        if (now++ === 0) setImmediate(() => (now = 0))
        most = Math.max(most, now)
        return { bytes: (chunk) => answered(chunk, next) }
      },
    }
    const listener = await start({ turnWorkUnits: 1_000 }, [counting, ...pipeline.slice(1)])
    const clients = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(listener.port)))
    for (const client of clients) await answers(client)
    // Two ends of turns can fall between two of the test's.
    expect(most).toBeLessThanOrEqual(8)
    expect(listener.connections).toBe(100)
  })

  it('stops: closes every connection and frees the port', async () => {
    const listener = await start()
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(listener.port)))
    for (const client of clients) await answers(client)
    await Promise.all([stop(listener), ...clients.map(({ closed }) => closed)])
    expect(listener.connections).toBe(0)
    expect((await start({ port: listener.port })).port).toBe(listener.port)
  })

  it('stops in spite of a peer that does not read and does not close', async () => {
    const listener = await start({ closeDeadlineMs: 50 })
    const frozen = connect({ host: '127.0.0.1', port: listener.port, allowHalfOpen: true }).pause()
    await once(frozen, 'connect')
    frozen.on('error', () => undefined)
    const client = await RawClient.connect(listener.port)
    await answers(client)
    await stop(listener)
    expect(listener.connections).toBe(0)
    frozen.destroy()
  })

  it('reads everything that a client sent before its end, however often the connection was paused', async () => {
    const echo: PipelineStage = {
      role: 'decoder',
      open: (connection) => ({
        bytes(chunk) {
          const taken = chunk.slice(0, 1000)
          connection.write(taken)
          connection.pause()
          setImmediate(() => connection.resume())
          return taken.length
        },
      }),
    }
    const client = await RawClient.connect((await start({}, [echo, ...pipeline.slice(1)])).port)
    const bytes = Buffer.alloc(300_000, 'some bytes that do not repeat after a thousand')
    client.socket.end(bytes)
    expect((await client.rest()) === bytes.toString('hex')).toBe(true)
  })

  describe('across a reset', () => {
    it('keeps the port: clients that connect meanwhile are served by the successor', async () => {
      const listener = await start()
      const before = await RawClient.connect(listener.port)
      await answers(before)
      const suspended = await suspend(listener)
      await before.closed
      const meanwhile = await RawClient.connect(listener.port)
      const gone = await RawClient.connect(listener.port)
      gone.socket.resetAndDestroy()
      meanwhile.send('00')
      const resumed = await resume({}, suspended)
      expect(await meanwhile.receive(1)).toBe('01')
      expect(resumed.port).toBe(listener.port)
      await answers(await RawClient.connect(resumed.port))
    })

    it('has the address of a client that was gone before it was accepted', async () => {
      const listener = await start()
      const suspended = await suspend(listener)
      const gone = await RawClient.connect(listener.port)
      const { localAddress, localPort } = gone.socket
      await expect.poll(() => suspended.waiting.length).toBe(1)
      gone.socket.resetAndDestroy()
      await gone.closed
      logger.lines.length = 0
      await resume({}, suspended)
      await expect.poll(() => logger.at('debug')).toMatchObject([{ remote: `${localAddress}:${localPort}` }])
    })

    it('binds another address', async () => {
      const listener = await start()
      const suspended = await suspend(listener)
      const meanwhile = await RawClient.connect(listener.port)
      const resumed = await resume({ backlog: 5 }, suspended)
      await meanwhile.closed
      await answers(await RawClient.connect(resumed.port))
      expect(suspended.server.listening).toBe(false)
    })

    it('binds the same port again after the old socket is closed', async () => {
      const port = await freePort()
      const suspended = await suspend(await start({ port }))
      const resumed = await resume({ port, backlog: 5 }, suspended)
      expect([resumed.port, suspended.server.listening]).toEqual([port, false])
      await answers(await RawClient.connect(port))
    })

    it('keeps the old socket when the other address cannot be bound, for the config that goes back to it', async () => {
      const occupant = await start()
      const listener = await start()
      const suspended = await suspend(listener)
      await expect(resume({ host: '203.0.113.1' }, suspended)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
      await expect(resume({ port: occupant.port }, suspended)).rejects.toMatchObject({ code: 'EADDRINUSE' })
      const meanwhile = await RawClient.connect(listener.port)
      const resumed = await resume({}, suspended)
      expect(resumed.port).toBe(listener.port)
      await answers(meanwhile)
    })

    it('keeps the old socket if the deadline for the new address has passed, and closes the new socket', async () => {
      const listener = await start()
      const suspended = await suspend(listener)
      const port = await freePort()
      const late = lifecycleContext('server', AbortSignal.abort(new Error('too late')))
      await expect(server.resume?.(configOf({ port }), dependencies, suspended, late)).rejects.toThrow('too late')
      expect((await start({ port })).port).toBe(port)
      expect((await resume({}, suspended)).port).toBe(listener.port)
    })

    it('binds again if the socket was closed meanwhile', async () => {
      const port = await freePort()
      const listener = await start({ port })
      const suspended = await suspend(listener)
      const meanwhile = await RawClient.connect(port)
      await stop(listener)
      await meanwhile.closed
      expect((await resume({ port }, suspended)).port).toBe(port)
      await answers(await RawClient.connect(port))
    })

    it('can still be stopped if it is not resumed', async () => {
      const listener = await start()
      const suspended = await suspend(listener)
      const meanwhile = await RawClient.connect(listener.port)
      await stop(listener)
      await meanwhile.closed
      expect(suspended.server.listening).toBe(false)
    })

    it('does not take over a value that is not a server', async () => {
      await expect(resume({}, { host: '127.0.0.1', port: 0, server: null })).rejects.toThrow('backlog')
    })
  })
})
