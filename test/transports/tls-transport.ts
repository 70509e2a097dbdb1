import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, createServer, type Server, type TLSSocket } from 'node:tls'
import type { Peer } from '../../src/kinds/peer.ts'
import { StreamTransport } from './stream-transport.ts'

/** TLS with a key that both sides know, which needs no certificates. */
const SHARED = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const KEY = Buffer.alloc(32, 7)

/** Connections over TLS, for tests. */
export class TlsTransport extends StreamTransport {
  readonly transport = 'tls'
  readonly adoptable = false
  /** The streams, in the order in which they came. */
  readonly streams: TLSSocket[] = []
  readonly #server: Server

  private constructor(server: Server) {
    super('secure')
    this.#server = server
    server.on('secureConnection', (socket) => {
      this.streams.push(socket)
      this.accepted(socket)
    })
  }

  static async listen(): Promise<TlsTransport> {
    const server = createServer({ ...SHARED, pskCallback: () => KEY, allowHalfOpen: true } as object)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TlsTransport(server)
  }

  get address(): string {
    const { address, port } = this.#server.address() as AddressInfo
    return `${address}:${port}`
  }

  /** A client, and the TCP connection beneath it. */
  async connect(): Promise<{ client: TLSSocket; raw: Socket }> {
    const { port } = this.#server.address() as AddressInfo
    const raw = connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true })
    const options = {
      ...SHARED,
      pskCallback: () => ({ psk: KEY, identity: 'test' }),
      checkServerIdentity: () => undefined,
    }
    const client = connect({ ...options, socket: raw, allowHalfOpen: true } as object)
    await once(client, 'secureConnect')
    return { client, raw }
  }

  async close(): Promise<void> {
    this.closeWaiting()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  protected override peerOf(stream: Duplex): Peer {
    const { remoteAddress = '', remotePort = 0 } = stream as TLSSocket
    return { address: remoteAddress, port: remotePort, listener: this.name, transport: 'tls', tls: {} }
  }
}
