import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ByteStream, TransportServer } from '../../src/kinds/transport.ts'
import { type KeyPair, TestFiles, testCertificates } from '../../test/helpers/certificates.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { serverConfig } from '../server/config.ts'
import { Core } from '../server/core.ts'
import { readPipeline } from '../server/pipeline.ts'
import { tls } from './index.ts'
import type { TlsTransport } from './tls-transport.ts'

const files = new TestFiles()
let authority: string
let server: KeyPair
beforeAll(async () => {
  const certificates = await testCertificates()
  authority = certificates.authority.cert
  server = certificates.server
})
afterAll(() => files.remove())

describe('a connection over TLS', () => {
  let transport: TlsTransport
  let core: Core
  let text = ''
  const streams: ByteStream[] = []
  const connections: Connection[] = []
  const clients: Socket[] = []
  beforeEach(async () => {
    const config = tls.config.parse({ port: 0, ...files.pair('server', server) })
    const context = lifecycleContext('secure')
    transport = (await tls.start(config, { logger: new RecordingLogger() }, context)) as TlsTransport
    text = ''
    const unused = () => expect.unreachable()
    const bytes = (chunk: Uint8Array) => {
      text += Buffer.from(chunk)
      return chunk.length
    }
    const open = (connection: Connection) => {
      connections.push(connection)
      return { bytes }
    }
    const pipeline = readPipeline(
      [
        { role: 'decoder', open },
        { role: 'handler', open: () => ({ packet: unused, publish: unused }) },
        { role: 'encoder', open: () => ({ packet: unused, publish: unused }) },
      ],
      'here',
    )
    core = new Core(serverConfig.parse({ closeDeadlineMs: 100 }), pipeline, new RecordingLogger())
    const serve = transport.serve.bind(transport)
    vi.spyOn(transport, 'serve').mockImplementation((target: TransportServer) => {
      const accept = target.accept.bind(target)
      vi.spyOn(target, 'accept').mockImplementation((stream, peer) => {
        streams.push(stream)
        accept(stream, peer)
      })
      serve(target)
    })
    core.serve(transport)
  })
  afterEach(async () => {
    for (const list of [streams, connections]) list.length = 0
    for (const client of clients.splice(0)) client.destroy()
    await core.stop('test ends')
    await transport.close()
  })
  const secure = async (): Promise<{ client: TLSSocket; raw: Socket }> => {
    const raw = connectTcp({ port: transport.port, host: '127.0.0.1', allowHalfOpen: true })
    const client = connect({ socket: raw, ca: authority, servername: 'localhost', allowHalfOpen: true } as object)
    clients.push(
      raw,
      client.on('error', () => undefined),
    )
    await once(client, 'secureConnect')
    await eventually(() => expect(connections.length).toBe(1))
    return { client, raw }
  }

  it('is read from its TLSSocket, which is not taken over', async () => {
    const { client } = await secure()
    client.write('text')
    await eventually(() => expect(text).toBe('text'))
    expect(streams).toEqual([expect.any(TLSSocket)])
    expect((streams[0] as TLSSocket).listenerCount('data')).toBe(1)
  })

  it('sends what is written in one turn as one record', async () => {
    const { client, raw } = await secure()
    client.write('text')
    await eventually(() => expect(text).toBe('text'))
    // The tickets of the server come before.
    connections[0]!.write(Buffer.from('first'))
    expect(String((await once(client, 'data'))[0])).toBe('first')
    const before = raw.bytesRead
    for (let count = 0; count < 20; count += 1) connections[0]!.write(Buffer.from('answer'))
    expect(String((await once(client, 'data'))[0])).toBe('answer'.repeat(20))
    // Each record has 22 bytes beside its content: 5 in front, its type, and 16 that authenticate it.
    expect(raw.bytesRead - before).toBe(20 * 'answer'.length + 22)
  })

  it('leaves nothing when the client sends bytes that are not TLS after the handshake', async () => {
    const { raw } = await secure()
    raw.write(Buffer.alloc(100, 'x'))
    await eventually(() => expect(core.connections).toBe(0))
    expect(core.counters).toMatchObject({ endedByNetwork: 1 })
  })

  it('leaves nothing when the client asks for a second handshake', async () => {
    const raw = connectTcp({ port: transport.port, host: '127.0.0.1' })
    const client = connect({ socket: raw, ca: authority, servername: 'localhost', maxVersion: 'TLSv1.2' })
    clients.push(
      raw,
      client.on('error', () => undefined),
    )
    await once(client, 'secureConnect')
    await eventually(() => expect(core.connections).toBe(1))
    client.renegotiate({ rejectUnauthorized: true }, () => undefined)
    await eventually(() => expect(core.connections).toBe(0))
  })
})
