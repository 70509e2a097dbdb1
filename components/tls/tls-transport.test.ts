import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp, type Socket } from 'node:net'
import { resolve } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream } from '../../src/kinds/transport.ts'
import { transportContract } from '../../test/contract/transport.ts'
import { TestFiles, testCertificates } from '../../test/helpers/certificates.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { lifecycleContext } from '../../test/helpers/lifecycle-context.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { tls } from './index.ts'
import type { TlsTransport } from './tls-transport.ts'

const files = new TestFiles()
let authority: string
let serverFiles: { cert: string; key: string }
beforeAll(async () => {
  const certificates = await testCertificates()
  authority = certificates.authority.cert
  serverFiles = files.pair('server', certificates.server)
})
afterAll(() => files.remove())

const logger = new RecordingLogger()
const context = lifecycleContext('secure')
const configOf = (config: object) => tls.config.parse({ port: 0, ...serverFiles, ...config })
const start = (config: object = {}): Promise<TlsTransport> =>
  Promise.resolve(tls.start(configOf(config), { logger }, context)) as Promise<TlsTransport>
const options = () => ({ ca: authority, allowHalfOpen: true, servername: 'localhost' })
const open = async (port: number): Promise<TLSSocket> => {
  const socket = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  return connect({ ...options(), socket } as object)
}

transportContract('TLS', async () => {
  const transport = await start()
  return {
    transport,
    // Its handshake waits until a server serves the transport.
    connect: () => open(transport.port),
    stop: () => transport.close(),
  }
})

describe('the component tls', () => {
  let transport: TlsTransport
  const clients: Socket[] = []
  const accepted: { stream: ByteStream; peer: Peer }[] = []
  let isAdmitted = true
  beforeEach(() => {
    logger.lines.length = 0
    isAdmitted = true
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    for (const { stream } of accepted.splice(0)) stream.destroy()
    await transport.close()
  })
  const serve = (served = transport) =>
    served.serve({
      accept: (stream, peer) => accepted.push({ stream, peer }),
      admits: () => isAdmitted,
      countRefused: () => undefined,
      changed: () => undefined,
      ended: () => undefined,
    })
  const raw = async (port = transport.port): Promise<Socket> => {
    const client = connectTcp({ port, host: '127.0.0.1' }).on('error', () => undefined)
    clients.push(client)
    await once(client, 'connect')
    return client
  }
  const closed = (client: Socket): Promise<void> =>
    new Promise((resolve) => client.resume().once('close', () => resolve()))
  const secure = async (port = transport.port, more: object = {}): Promise<TLSSocket> => {
    const client = connect({ ...options(), port, host: '127.0.0.1', ...more }).on('error', () => undefined)
    clients.push(client)
    await once(client, 'secureConnect')
    return client
  }

  it.each([
    [{}, true],
    [{ proxyProtocol: { trusted: ['127.0.0.1'] } }, false],
  ])('with %j is for this machine alone: %s', async (config, isLocal) => {
    transport = await start(config)
    expect(transport.isLocal).toBe(isLocal)
  })

  it('asks before the handshake whether a client is let in', async () => {
    transport = await start()
    serve()
    isAdmitted = false
    const client = await raw()
    await closed(client)
    expect([accepted, transport.handshakes]).toMatchObject([[], { underWay: 0, completed: 0, refused: 0 }])
  })

  it('cuts off a client that sends nothing until the deadline of the handshake', async () => {
    transport = await start({ handshakeDeadlineMs: 20 })
    serve()
    await closed(await raw())
    expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { deadline: 1 } })
    expect(logger.at('warn')).toMatchObject([{ failure: 'deadline', message: expect.stringContaining('20 ms') }])
  })

  it('cuts off a client that sends its handshake byte by byte', async () => {
    transport = await start({ handshakeDeadlineMs: 50 })
    serve()
    const client = await raw()
    // A record of 200 bytes that never is complete.
    client.write(Buffer.from('16030100c8010000c40303', 'hex'))
    const dribble = setInterval(() => client.write(Buffer.of(0)), 5)
    await closed(client)
    clearInterval(dribble)
    expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { deadline: 1 } })
  })

  it('refuses and counts connections when too many handshakes are under way', async () => {
    transport = await start({ maximumHandshakes: 2 })
    serve()
    const silent = [await raw(), await raw()]
    await eventually(() => expect(transport.handshakes.underWay).toBe(2))
    await closed(await raw())
    expect(transport.handshakes).toMatchObject({ underWay: 2, refused: 1 })
    expect(logger.at('warn')).toMatchObject([{ maximumHandshakes: 2, refused: 1 }])
    for (const client of silent) client.destroy()
    await eventually(() => expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { closed: 2 } }))
    await secure()
    await eventually(() => expect(transport.handshakes).toMatchObject({ underWay: 0, completed: 1 }))
  })

  it('begins all handshakes of a burst, some in each turn', async () => {
    transport = await start({ handshakesPerTurn: 1 })
    serve()
    await Promise.all(Array.from({ length: 20 }, () => secure()))
    await eventually(() => expect(accepted.length).toBe(20))
    expect(transport.handshakes).toMatchObject({ underWay: 0, completed: 20 })
  })

  it('leaves nothing of a client without TLS, and logs it', async () => {
    transport = await start()
    serve()
    const client = await raw()
    client.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
    await closed(client)
    expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { protocol: 1 } })
    expect(logger.at('warn')).toMatchObject([{ message: expect.stringContaining('first byte is 0x10') }])
  })

  it('leaves nothing of a client whose handshake is not valid', async () => {
    transport = await start()
    serve()
    const client = await raw()
    client.write(Buffer.from('1603010005ffffffffff', 'hex'))
    await closed(client)
    await eventually(() => expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { protocol: 1 } }))
  })

  it('leaves nothing of a client that closes its side before the handshake', async () => {
    transport = await start()
    serve()
    const client = await raw()
    client.end()
    await closed(client)
    await eventually(() => expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { closed: 1 } }))
  })

  it('closes at once with handshakes under way', async () => {
    transport = await start()
    serve()
    const client = await raw()
    client.write(Buffer.from('160301', 'hex'))
    await eventually(() => expect(transport.handshakes.underWay).toBe(1))
    transport.hold([])
    await transport.close()
    expect(transport.handshakes).toMatchObject({ underWay: 0, failed: { deadline: 0, closed: 0 } })
  })

  it('has the identity of the client', async () => {
    transport = await start()
    serve()
    const client = await secure()
    await eventually(() => expect(accepted.length).toBe(1))
    expect(accepted[0]!.peer).toEqual({
      address: '127.0.0.1',
      port: client.localPort,
      listener: 'secure',
      transport: 'tls',
      tls: { serverName: 'localhost' },
    })
  })

  it('still sends to a client that has closed its side', async () => {
    transport = await start()
    serve()
    const client = await secure(transport.port, { allowHalfOpen: true })
    await eventually(() => expect(accepted.length).toBe(1))
    const stream = accepted[0]!.stream as TLSSocket
    client.end('request')
    await once(stream.resume(), 'end')
    await new Promise((resolve) => setImmediate(resolve))
    stream.end('answer')
    expect(String((await once(client, 'data'))[0])).toBe('answer')
  })

  it('keeps its port over a reset, and the connections that arrived during it', async () => {
    transport = await start()
    serve()
    const [underWay] = [await raw()]
    await eventually(() => expect(transport.handshakes.underWay).toBe(1))
    transport.hold([])
    const suspended = await tls.suspend!(transport, context)
    await closed(underWay!)
    const client = secure()
    const predecessor = transport
    transport = (await tls.resume!(configOf({ port: 0 }), { logger }, suspended, context)) as TlsTransport
    expect(transport.port).toBe(predecessor.port)
    serve()
    await client
    await eventually(() => expect(accepted.length).toBe(1))
    expect([predecessor.handshakes.completed, transport.handshakes.completed]).toEqual([0, 1])
  })

  it('does not start without a certificate, and has bound nothing then', async () => {
    transport = await start()
    const { port } = transport
    await transport.close()
    const missing = start({ port, key: '/nowhere/server.key' })
    await expect(missing).rejects.toThrow('The file /nowhere/server.key (key) cannot be read: ENOENT')
    transport = await start({ port })
  })

  it('has measures of handshakes and certificates', async () => {
    transport = await start()
    const measures = tls.measure!(transport)
    const validity = measures.find(({ name }) => name === 'certificate_validity')!
    expect(validity).toMatchObject({ unit: 'days', labels: { certificate: serverFiles.cert } })
    expect(Math.round(validity.read())).toBe(365)
    const others = measures.filter((measure) => measure !== validity)
    expect(others.map(({ name }) => name)).toContain('under_way')
    expect(others.map((measure) => measure.read())).toEqual(others.map(() => 0))
  })
})

describe('the config of tls', () => {
  const problems = (config: object): string[] =>
    tls.config.safeParse(config).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

  it.each([
    [{}, 'cert: missing: TLS needs a certificate'],
    [{ cert: 'a' }, 'key: missing'],
    [{ key: 'a' }, 'cert: missing'],
    [{ cert: 'a', key: 'b', clientCertificates: 'require' }, 'ca: missing'],
    [{ cert: 'a', key: 'b', ca: 'c' }, 'ca: without effect'],
    [{ cert: 'a', key: 'b', crl: 'c' }, 'crl: without effect'],
  ])('%j is refused', (config, expected) => expect(problems(config).join()).toContain(expected))

  it('takes certificates by name alone', () =>
    expect(problems({ certificates: [{ cert: 'a', key: 'b' }] })).toEqual([]))

  it('is documented in README', () => {
    const page = readFileSync(resolve(import.meta.dirname, 'README.md'), 'utf8')
    const [table] = page.match(/^\| config \|(?:.*\n)+?\n/m)!
    const documented = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, names]) =>
      names!.replaceAll('`', '').split(', '),
    )
    expect(documented.sort()).toEqual(Object.keys(tls.config.shape).sort())
  })
})
