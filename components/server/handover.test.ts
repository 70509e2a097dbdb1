/** A server continues for another one: what the connections of its own listener have under way. */

import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import type { HandlerStage, PacketReceiver, PipelineStage, StageEnd } from '../../src/kinds/pipeline-stage.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import type { AnyComponent } from '../../src/system/define-system.ts'
import { applyChanges, prepareSwap } from '../../test/helpers/apply-changes.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RawClient } from '../../test/helpers/raw-client.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { startTransport } from '../../test/helpers/start-transport.ts'
import { tcp } from '../tcp/index.ts'
import { server } from './index.ts'
import type { MqttServer } from './mqtt-server.ts'

const context = lifecycleContext('server')
const logger = new RecordingLogger()
const LARGE = 8 * 1024 * 1024

/** What the handler of a test does. */
interface Handling extends Partial<StageEnd> {
  opened?(connection: Connection): void
  packet?(connection: Connection, next: PacketReceiver): void
  authenticationOf?: HandlerStage['authenticationOf']
}

/** A pipeline that takes each byte as a packet, and answers with the byte 0x01. Its decoder stops when the connection is paused. */
const stages = ({ opened, packet, authenticationOf, ...end }: Handling = {}): PipelineStage[] => [
  {
    role: 'decoder',
    open: (connection, next) => ({
      bytes: ({ length }) => {
        let taken = 0
        for (; taken < length && connection.open && !connection.paused; taken += 1) next.packet({ cmd: 'pingreq' })
        return connection.open ? taken : length
      },
      handOver: () => undefined,
    }),
  },
  {
    role: 'handler',
    ...(authenticationOf !== undefined && { authenticationOf }),
    open: (connection, next) => {
      opened?.(connection)
      return {
        packet: (each) => (packet === undefined ? next.packet(each) : packet(connection, next)),
        publish: () => undefined,
        handOver: () => undefined,
        ...end,
      }
    },
  },
  { role: 'encoder', open: (_, next) => ({ packet: () => next.bytes(Uint8Array.of(1)), publish: () => undefined }) },
]

describe('a server that continues for another one', () => {
  const closing: (() => unknown)[] = []
  const clients: RawClient[] = []
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const close of closing.splice(0)) await close()
    logger.lines.length = 0
  })

  const start = async (config: object = {}, pipeline = stages(), transports: Transport[] = []) => {
    const parse = (values: object) => server.config.parse({ port: 0, closeDeadlineMs: 5_000, ...values } as object)
    const instance = (await server.start(parse(config), { pipeline, transports, logger }, context)) as MqttServer
    const running = { component: server as AnyComponent, instance }
    closing.push(() => server.stop?.(running.instance, context))
    let present = { config, pipeline, transports }
    const prepare = (to: Partial<typeof present> = {}) => {
      const { config, pipeline, transports } = { ...present, ...to }
      const dependencies = { pipeline, transports, logger }
      return prepareSwap('server', { ...running }, { ...server } as AnyComponent, parse(config), dependencies)
    }
    const swap = async (to: Partial<typeof present> = {}) => {
      const prepared = await prepare(to)
      await applyChanges([prepared], { server: running.instance })
      running.instance = prepared.to.instance as MqttServer
      present = { ...present, ...to }
    }
    const adjust = async ({ pipeline }: Pick<typeof present, 'pipeline'>) => {
      const dependencies = { pipeline, transports, logger }
      const adjustment = await server.adjust!(running.instance, parse(config), dependencies, context)
      await applyChanges([{ name: 'server', adjustment }], { server: running.instance })
      present = { ...present, pipeline }
    }
    return { running, prepare, ways: { swap, adjust }, swap, connect: () => connect(running.instance.port) }
  }
  const connect = async (port: number): Promise<RawClient> => {
    const client = await RawClient.connect(port)
    clients.push(client)
    return client
  }
  /** A client that does not read until it is resumed. */
  const read = async (port: number) => {
    const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
    let bytes = 0
    socket.on('data', ({ length }) => {
      bytes += length
    })
    socket.pause()
    closing.unshift(() => socket.destroy())
    await once(socket, 'connect')
    return { socket, bytes: () => bytes }
  }
  const answers = async (client: RawClient) => expect(await client.send('00').receive(1)).toBe('01')
  const large = Buffer.alloc(LARGE, 'a')

  it('has what waits for a client that does not read, and tells the stages when it has drained', async () => {
    const events: string[] = []
    const noting = (name: string) =>
      stages({ packet: (connection) => connection.write(large), drained: () => events.push(`${name} drained`) })
    const { running, swap } = await start({}, noting('old'))
    const reader = await read(running.instance.port)
    reader.socket.write('x')
    await eventually(() => expect(running.instance.pendingBytes).toBeGreaterThan(0))
    const waiting = running.instance.pendingBytes
    reader.socket.write('x')
    await eventually(() => expect(running.instance.pendingBytes).toBeGreaterThan(waiting))
    const { pendingBytes, counters } = running.instance
    const sent = counters.bytesSent
    await swap({ pipeline: noting('new') })
    expect(running.instance).toMatchObject({ pendingBytes, connections: 1, open: 1 })
    expect(running.instance.counters.bytesSent).toBeGreaterThanOrEqual(sent)
    reader.socket.resume()
    await eventually(() => expect(reader.bytes()).toBe(2 * LARGE))
    await eventually(() => expect(running.instance.pendingBytes).toBe(0))
    expect(running.instance.counters.bytesSent).toBe(2 * LARGE)
    expect(events).toEqual(['new drained'])
  })

  it('has the connections that are being closed, with the bytes that wait for them', async () => {
    const pipeline = stages({
      packet: (connection) => {
        connection.write(large)
        connection.close('test')
      },
    })
    const { running, swap } = await start({}, pipeline)
    const reader = await read(running.instance.port)
    reader.socket.write('x')
    await eventually(() => expect(running.instance).toMatchObject({ open: 0, connections: 1 }))
    const { pendingBytes } = running.instance
    expect(pendingBytes).toBeGreaterThan(0)
    const before = running.instance
    await swap()
    await swap()
    expect(before.connections).toBe(0)
    expect(running.instance).toMatchObject({ open: 0, connections: 1, pendingBytes })
    expect(running.instance.counters).toMatchObject({ accepted: 1, endedByBroker: 1 })
    reader.socket.resume()
    await eventually(() => expect(reader.bytes()).toBe(LARGE))
    reader.socket.end()
    await eventually(() => expect(running.instance).toMatchObject({ connections: 0, pendingBytes: 0 }))
  })

  it('cuts off a client at its deadline that does not close its side', async () => {
    const { running, swap, connect } = await start(
      { closeDeadlineMs: 50 },
      stages({ packet: (connection) => connection.close('test') }),
    )
    const client = await connect()
    client.socket.allowHalfOpen = true
    client.send('00')
    await eventually(() => expect(running.instance).toMatchObject({ open: 0, connections: 1 }))
    await swap()
    await eventually(() => expect(running.instance.connections).toBe(0))
  })

  it('sends what a stage writes while it takes over, also for a connection whose turn comes later', async () => {
    const connections: Connection[] = []
    let isSwapped = false
    const pipeline = stages({
      opened: (connection) => {
        if (isSwapped) connections[1]!.write(Buffer.from('ab', 'hex'))
        else connections.push(connection)
      },
    })
    const { swap, connect } = await start({}, pipeline)
    const first = await connect()
    await answers(first)
    const other = await connect()
    await answers(other)
    isSwapped = true
    await swap()
    expect(await other.receive(1)).toBe('ab')
    await answers(other)
    await answers(first)
  })

  it('has the rest of a chunk that waits, and reads on when the connection is resumed', async () => {
    let present: Connection | undefined
    const pipeline = stages({
      opened: (connection) => {
        present = connection
      },
      packet: (connection, next) => {
        next.packet({ cmd: 'pingreq' })
        connection.pause()
      },
    })
    const { swap, connect } = await start({}, pipeline)
    const client = await connect()
    client.send('00000000')
    for (let answer = 0; answer < 4; answer += 1) {
      expect(await client.receive(1)).toBe('01')
      await swap()
      expect(present!.paused).toBe(true)
      present!.resume()
    }
    client.send('00')
    expect(await client.receive(1)).toBe('01')
  })

  it('has the bans, the limits of addresses and the counters', async () => {
    const { running, swap, connect } = await start({ unlimitedAddresses: [], maximumConnectionsPerAddress: 1 })
    running.instance.ban('192.0.2.7', 60)
    const client = await connect()
    await answers(client)
    await (await connect()).closed
    await swap()
    expect(running.instance.bans()).toMatchObject([{ address: '192.0.2.7', byOperator: true }])
    expect(running.instance.addresses).toEqual({ banned: 1, connected: 1 })
    await (await connect()).closed
    expect(running.instance.counters).toMatchObject({ accepted: 1, refused: 2, refusedByAddress: 2, bytesReceived: 1 })
    client.destroy()
    await eventually(() => expect(running.instance.addresses.connected).toBe(0))
    await answers(await connect())
  })

  it('remembers how often an address connects', async () => {
    const { running, swap, connect } = await start({ unlimitedAddresses: [], connectRate: 0.001, connectBurst: 2 })
    await answers(await connect())
    await swap()
    await answers(await connect())
    await swap()
    await (await connect()).closed
    expect(running.instance.counters).toMatchObject({ accepted: 2, refusedByRate: 1 })
  })

  it('is refused when the handler does not hand over, before anything changes', async () => {
    const mute = stages({ handOver: undefined as never })
    const { prepare, connect } = await start({}, mute)
    const client = await connect()
    await answers(client)
    await expect(prepare()).rejects.toThrow('the handler does not hand over the state of its connections')
    await answers(client)
  })

  it.each(['swap', 'adjust'] as const)(
    'goes on with a connection whose former stage throws when it is left (%s)',
    async (way) => {
      const throwing = stages({
        left: () => {
          throw new Error('left badly')
        },
      })
      const { ways, connect } = await start({}, throwing)
      const client = await connect()
      await answers(client)
      await ways[way]({ pipeline: stages() })
      await answers(client)
      expect(logger.at('error')).toMatchObject([{ message: expect.stringContaining('its connection goes on') }])
    },
  )

  it.each(['left', 'takeBack'] as const)(
    'is undone for all others when a stage of one throws in %s',
    async (method) => {
      const ends: string[] = []
      const failing = (name: string, after: number, throws: boolean): PipelineStage[] => {
        let opened = 0
        return stages({
          opened: () => {
            opened += 1
            if (opened > after) throw new Error('does not open')
          },
          [method]: () => {
            ends.push(`${name} ${method}`)
            if (throws && ends.length === 1) throw new Error('cannot go back')
          },
        })
      }
      const isOld = method === 'takeBack'
      const { running, swap, connect } = await start({}, failing('old', Number.POSITIVE_INFINITY, isOld))
      const three = [await connect(), await connect(), await connect()]
      for (const client of three) await answers(client)
      await expect(swap({ pipeline: failing('new', 2, !isOld) })).rejects.toThrow('does not open')
      await eventually(() => expect(running.instance.connections).toBe(2))
      const isOpen = ({ socket }: RawClient) => socket.readyState === 'open'
      await eventually(() => expect(three.filter(isOpen)).toHaveLength(2))
      for (const client of three.filter(isOpen)) await answers(client)
      expect(running.instance.counters).toMatchObject({ accepted: 3, endedByBroker: 1 })
      await answers(await connect())
    },
  )

  it('ends the connections of a transport that was removed, and serves one that was added', async () => {
    const [removed, added] = [await further(), await further()]
    const { running, swap, connect: connectOwn } = await start({}, stages(), [removed])
    const [own, over] = [await connectOwn(), await connect(removed.port)]
    await answers(own)
    await answers(over)
    await swap({ transports: [added] })
    await over.closed
    await answers(own)
    await answers(await connect(added.port))
    expect(running.instance.listeners.map(({ transport, accepted }) => [transport, accepted])).toEqual([
      ['tcp', 1],
      ['tcp', 1],
    ])
  })
  const further = async () => {
    const { transport } = await startTransport(tcp, { port: 0 })
    closing.push(() => transport.close())
    return transport
  }

  it('listens at another address, and its connections stay', async () => {
    const { running, swap, connect } = await start()
    const { port } = running.instance
    const client = await connect()
    await answers(client)
    const other = await freePort()
    await swap({ config: { port: other } })
    expect(running.instance.port).toBe(other)
    await answers(client)
    await answers(await connect())
    await eventually(async () => expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED'))
  })

  it('stays where it is when the other address is taken, or the reset is given up', async () => {
    const taken = await further()
    const { running, prepare, swap, connect } = await start()
    const client = await connect()
    await answers(client)
    await expect(swap({ config: { port: taken.port } })).rejects.toThrow('EADDRINUSE')
    const other = await freePort()
    const failing = stages({
      opened: () => {
        throw new Error('does not open')
      },
    })
    await expect(swap({ config: { port: other }, pipeline: failing })).rejects.toThrow('does not open')
    await expect(RawClient.connect(other)).rejects.toThrow('ECONNREFUSED')
    const { component, instance } = (await prepare({ config: { port: other } })).to
    await component.handover!.discard!(instance as never)
    await expect(RawClient.connect(other)).rejects.toThrow('ECONNREFUSED')
    await answers(client)
    await answers(await connect())
    expect(running.instance.counters).toMatchObject({ accepted: 2 })
  })

  it('does not listen again when it is stopped before it has moved to another host at its port', async () => {
    const port = await freePort()
    const { running, swap } = await start({ port })
    await swap({ config: { port, host: '::ffff:127.0.0.1' } })
    await running.instance.stop()
    for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate)
    await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED')
  })
  const freePort = async (): Promise<number> => {
    const { transport } = await startTransport(tcp, { port: 0 })
    const { port } = transport
    await transport.close()
    return port
  }
})
