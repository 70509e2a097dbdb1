import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { transportContract } from '../../test/contract/transport.ts'
import { TestFiles } from '../../test/helpers/certificates.ts'
import { eventually } from '../../test/helpers/eventually.ts'
import { RecordingLogger } from '../../test/helpers/recording-logger.ts'
import { DEFAULT_LISTENER_OPTIONS } from '../kinds/listener-options.ts'
import type { Peer } from '../kinds/peer.ts'
import type { ByteStream } from '../kinds/transport.ts'
import { type KeptListening, keepOrListen, type ListenAddress, listen } from './listening.ts'
import { SocketTransport } from './socket-transport.ts'

/** A transport without a handshake. */
class PlainTransport extends SocketTransport {
  constructor(kept: KeptListening, address: ListenAddress) {
    const shared = { name: 'plain', transport: 'plain', adoptable: true, log: new RecordingLogger() }
    super(kept, { ...shared, address, options: DEFAULT_LISTENER_OPTIONS })
  }

  protected override begin(socket: Socket, peer: Peer): void {
    this.ready(socket, peer)
  }
}

const LOOPBACK = { host: '127.0.0.1', port: 0, backlog: 10 }
const start = async (address: ListenAddress = LOOPBACK) => new PlainTransport(await listen(address), address)
const open = async (where: { port: number } | { path: string }): Promise<Socket> => {
  const client = connect({
    host: '127.0.0.1',
    allowHalfOpen: true,
    ...('path' in where ? where : { port: where.port }),
  })
  await once(client, 'connect')
  return client
}

transportContract('a transport on plain sockets', async () => {
  const transport = await start()
  return { transport, connect: () => open(transport), stop: () => transport.close() }
})

describe('the base of transports', () => {
  const clients: Socket[] = []
  const accepted: { stream: ByteStream; peer: Peer }[] = []
  let transport: PlainTransport
  afterEach(async () => {
    for (const { stream } of accepted.splice(0)) stream.destroy()
    for (const client of clients.splice(0)) client.destroy()
    await transport.close()
  })
  const server = {
    accept: (stream: ByteStream, peer: Peer) => accepted.push({ stream, peer }),
    admits: () => true,
    countRefused: () => undefined,
    changed: () => undefined,
    ended: () => undefined,
  }
  const signal = new AbortController().signal

  it('serves the connections that were accepted before it was there', async () => {
    const kept = await listen(LOOPBACK)
    const { port } = kept.listening.server.address() as AddressInfo
    clients.push(await open({ port }), await open({ port }))
    await eventually(() => expect(kept.waiting.length).toBe(2))
    transport = new PlainTransport(kept, LOOPBACK)
    transport.serve(server)
    expect(accepted.map(({ peer }) => peer.port)).toEqual(clients.map(({ localPort }) => localPort))
  })

  it('hands what was accepted and not served to a successor at the same address', async () => {
    transport = await start()
    transport.serve(server)
    clients.push(await open(transport))
    await eventually(() => expect(accepted.length).toBe(1))
    transport.hold(accepted.splice(0).map(({ stream }) => stream))
    const { port } = transport
    const suspended = transport.handOver()
    clients.push(await open({ port }))
    transport = new PlainTransport(await keepOrListen(suspended, LOOPBACK, signal), LOOPBACK)
    transport.serve(server)
    await eventually(() => expect(accepted.length).toBe(2))
    expect(transport.port).toBe(port)
    expect(accepted.map(({ peer }) => peer.port).sort()).toEqual(clients.map(({ localPort }) => localPort).sort())
  })

  it('listens elsewhere when the successor asks for another address', async () => {
    transport = await start()
    const { port } = transport
    const elsewhere = { ...LOOPBACK, backlog: 20 }
    transport = new PlainTransport(await keepOrListen(transport.handOver(), elsewhere, signal), elsewhere)
    expect(transport.port).not.toBe(port)
    await expect(open({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    clients.push(await open(transport))
  })

  it('listens with another backlog at the port that it has', async () => {
    transport = await start()
    const { port } = transport
    const address = { ...LOOPBACK, port, backlog: 20 }
    transport = new PlainTransport(await keepOrListen(transport.handOver(), address, signal), address)
    expect(transport.port).toBe(port)
    clients.push(await open({ port }))
  })

  it('reports an address that is taken, with its code', async () => {
    transport = await start()
    await expect(start({ ...LOOPBACK, port: transport.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      address: '127.0.0.1',
      port: transport.port,
    })
  })

  it('listens on a Unix socket', async () => {
    const files = new TestFiles()
    const path = join(files.folder, 'mqtt.sock')
    transport = await start({ path, backlog: 10 })
    transport.serve(server)
    expect(transport).toMatchObject({ address: path, host: path, port: 0, isLocal: true })
    clients.push(await open({ path }))
    await eventually(() => expect(accepted.length).toBe(1))
    expect(accepted[0]!.peer).toEqual({ address: '', port: 0, listener: 'plain', transport: 'plain' })
    for (const { stream } of accepted.splice(0)) stream.destroy()
    await transport.close()
    files.remove()
  })
})
