import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serverConfig } from '../../components/server/config.ts'
import { Core } from '../../components/server/core.ts'
import { readPipeline } from '../../components/server/pipeline.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import type { PipelineStage } from '../../src/kinds/pipeline-stage.ts'
import type { Transport } from '../../src/kinds/transport.ts'
import { eventually } from '../helpers/eventually.ts'
import { RecordingLogger } from '../helpers/recording-logger.ts'

/** A transport that listens, and what a test needs beside it. */
export interface TransportUnderTest {
  readonly transport: Transport
  /** Opens a connection, which is half open (`allowHalfOpen`) and not read yet. */
  connect(): Promise<Duplex>
  /** What the component does when it stops. */
  stop(): Promise<void>
}

/** A server whose pipeline keeps what it reads. */
class TestServer {
  readonly connections: { readonly connection: Connection; text: string; closed: boolean }[] = []
  readonly core: Core

  constructor(transport: Transport, maximumConnections = 1000) {
    const config = serverConfig.parse({ maximumConnections, backlog: 1, closeDeadlineMs: 100 })
    this.core = new Core(config, readPipeline(this.#stages(), 'here'), new RecordingLogger())
    this.core.serve(transport)
  }

  /** The connection with this index, once it was let in. */
  async connection(index: number) {
    await eventually(() => expect(this.connections.length).toBeGreaterThan(index))
    return this.connections[index]!
  }

  #stages(): PipelineStage[] {
    const unused = () => expect.unreachable()
    const open = (connection: Connection) => {
      const state = { connection, text: '', closed: false }
      this.connections.push(state)
      return {
        bytes: (chunk: Uint8Array) => {
          state.text += Buffer.from(chunk).toString()
          return chunk.length
        },
        closed: () => {
          state.closed = true
        },
      }
    }
    return [
      { role: 'decoder', open },
      { role: 'handler', open: () => ({ packet: unused, publish: unused }) },
      { role: 'encoder', open: () => ({ packet: unused, publish: unused }) },
    ]
  }
}

/** What a client receives from now on, up to so many bytes. */
const received = async (client: Duplex, length: number): Promise<string> => {
  let text = ''
  for await (const chunk of client.iterator({ destroyOnReturn: false })) {
    text += chunk
    if (text.length >= length) break
  }
  return text
}

/**
 * What every Transport must do.
 * @param create makes one that listens.
 */
export const transportContract = (name: string, create: () => Promise<TransportUnderTest>): void => {
  describe(`${name} as a Transport`, () => {
    let tested: TransportUnderTest
    const servers: TestServer[] = []
    const clients: Duplex[] = []
    beforeEach(async () => {
      tested = await create()
    })
    afterEach(async () => {
      await Promise.all(servers.splice(0).map(({ core }) => core.stop('test ends')))
      for (const client of clients.splice(0)) client.destroy()
      await tested.stop()
    })
    const serve = (maximumConnections?: number) => {
      const server = new TestServer(tested.transport, maximumConnections)
      servers.push(server)
      return server
    }
    const connect = async () => {
      const client = await tested.connect()
      clients.push(client.on('error', () => undefined))
      return client
    }

    it('says what it is and where it listens', () => {
      const { name, transport, address } = tested.transport
      for (const text of [name, transport, address]) expect(text).toMatch(/./)
    })

    it('hands over the connections that came before it was served, and those that come later', async () => {
      const before = await connect()
      before.write('before')
      const server = serve()
      const first = await server.connection(0)
      await eventually(() => expect(first.text).toBe('before'))
      const later = await connect()
      later.write('later')
      const second = await server.connection(1)
      await eventually(() => expect(second.text).toBe('later'))
    })

    it('names itself in the peer of each connection', async () => {
      const server = serve()
      await connect()
      const { peer } = (await server.connection(0)).connection
      const { name, transport } = tested.transport
      expect(peer).toMatchObject({ listener: name, transport })
      expect([peer.address, peer.port]).toEqual([expect.any(String), expect.any(Number)])
      expect(describePeer(peer)).not.toBe('unknown')
      expect(server.core.listeners).toMatchObject([{ name, transport, connections: 1, accepted: 1, refused: 0 }])
    })

    it('carries all bytes in both directions, in their order', async () => {
      const server = serve()
      const client = await connect()
      const text = Array.from({ length: 50_000 }, (_, index) => `${index} `).join('')
      client.write(text)
      const { connection } = await server.connection(0)
      await eventually(() => expect(server.connections[0]!.text.length).toBe(text.length))
      expect(server.connections[0]!.text === text).toBe(true)
      const bytes = Buffer.from(text)
      for (let start = 0; start < bytes.length; start += 10_000) connection.write(bytes.subarray(start, start + 10_000))
      expect((await received(client, text.length)) === text).toBe(true)
      await eventually(() => expect(connection.pendingBytes).toBe(0))
      const counted = { bytesReceived: bytes.length, bytesSent: bytes.length }
      expect([connection.bytesReceived, server.core.counters]).toMatchObject([bytes.length, counted])
    })

    it('still carries answers to a client that is done sending', async () => {
      const server = serve()
      const client = await connect()
      const { connection } = await server.connection(0)
      connection.pause()
      const answer = received(client, 6)
      client.end('request')
      await once(client, 'finish')
      connection.write(Buffer.from('answer'))
      expect(await answer).toBe('answer')
      connection.resume()
      await eventually(() => expect(server.connections[0]!.closed).toBe(true))
      expect([server.connections[0]!.text, connection.end?.by]).toEqual(['request', 'client'])
    })

    it('reads nothing while the connection is paused', async () => {
      const server = serve()
      const [client, other] = [await connect(), await connect()]
      const [first, second] = [await server.connection(0), await server.connection(1)]
      client.write('one')
      await eventually(() => expect(first.text).toBe('one'))
      first.connection.pause()
      client.write('two')
      other.write('other')
      await eventually(() => expect(second.text).toBe('other'))
      expect(first.text).toBe('one')
      first.connection.resume()
      await eventually(() => expect(first.text).toBe('onetwo'))
    })

    it('sends what was written before it closes', async () => {
      const server = serve()
      const client = await connect()
      const { connection } = await server.connection(0)
      const all = received(client, Number.POSITIVE_INFINITY)
      connection.write(Buffer.from('last'))
      connection.close('test')
      expect(await all).toBe('last')
      client.end()
      await eventually(() => expect(server.core.connections).toBe(0))
    })

    it('leaves nothing of a client that breaks off', async () => {
      const server = serve()
      const client = await connect()
      const { connection } = await server.connection(0)
      client.destroy()
      await eventually(() => expect(server.core.connections).toBe(0))
      expect([connection.open, server.connections[0]!.closed]).toEqual([false, true])
    })

    it('passes a connection above the maximum to the server, which closes it', async () => {
      const server = serve(1)
      await connect()
      await server.connection(0)
      const refused = await connect()
      await Promise.race([once(refused.resume(), 'close'), once(refused, 'end')])
      expect(server.core.listeners).toMatchObject([{ connections: 1, accepted: 1, refused: 1 }])
    })

    it('keeps connections for the next server while no server serves them', async () => {
      const server = serve()
      const gone = await connect()
      await server.connection(0)
      gone.on('end', () => gone.end()).resume()
      await server.core.stop('is being reset')
      const meanwhile = await connect()
      meanwhile.write('meanwhile')
      const next = serve()
      const { connection } = await next.connection(0)
      await eventually(() => expect(next.connections[0]!.text).toBe('meanwhile'))
      expect([server.connections.length, connection.open]).toEqual([1, true])
    })

    it('is served by one server at a time', () => {
      serve()
      const { name } = tested.transport
      const other = new Core(serverConfig.parse({}), readPipeline(stages, 'here'), new RecordingLogger())
      expect(() => other.serve(tested.transport)).toThrow(name)
    })

    it('closes connections that were not served when it stops', async () => {
      const client = await connect()
      // A handshake that is broken off is an error for the client.
      const closed = new Promise((resolve) => client.resume().once('close', resolve))
      client.on('end', () => client.end())
      await tested.stop()
      await closed
      tested = await create()
    })
  })
}

const never = () => expect.unreachable()
const stages: PipelineStage[] = [
  { role: 'decoder', open: never },
  { role: 'handler', open: never },
  { role: 'encoder', open: never },
]
