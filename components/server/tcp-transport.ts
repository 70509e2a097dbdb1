import type { AddressInfo, Server, Socket } from 'node:net'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { ByteStream, Transport, TransportServer } from '../../src/kinds/transport.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import { type KeptListening, type ListeningHandover, type ListeningPort, release } from '../../src/network/listening.ts'
import { isLoopback } from '../../src/network/loopback.ts'
import { acceptWith } from './accepting.ts'
import type { ServerConfig } from './config.ts'
import { peerOf, tcpPeer } from './peer-of.ts'

/** Connections over TCP. The listening socket outlives it: a successor uses it. */
export class TcpTransport implements Transport {
  readonly name: string
  readonly transport = 'tcp'
  readonly adoptable = true
  readonly isLocal: boolean
  readonly options: ListenerOptions
  readonly address: string
  readonly host: string
  readonly port: number
  readonly #config: ServerConfig
  readonly #server: Server
  readonly #events: ListeningPort
  readonly #makeSocket: (handle: object) => Socket
  #target: TransportServer | undefined
  /** Lets Node make the sockets again: the successor gets sockets that do not use this server's memory. */
  #endAccepting: () => void = () => undefined
  /** Sockets that were accepted while no server serves them. The limit is that of connections. */
  readonly #waiting: Socket[]

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and sockets that were accepted before and
   * not served.
   * @param makeSocket makes the socket of a connection, from what Node calls its handle.
   * @param failed told when a connection could not be accepted.
   */
  constructor(
    { listening: { server, events }, waiting }: KeptListening,
    config: ServerConfig,
    name: string,
    makeSocket: (handle: object) => Socket,
    failed: (error: Error) => void,
  ) {
    const { address, port } = server.address() as AddressInfo
    this.name = name
    this.options = ownOptions(config)
    this.host = address
    this.port = port
    this.address = formatAddress(address, port)
    this.isLocal = isLoopback(address)
    this.#config = config
    this.#server = server
    this.#events = events
    this.#waiting = [...waiting]
    this.#makeSocket = makeSocket
    // At most as many as the operating system hands over at once wait for a place.
    server.maxConnections = config.maximumConnections + config.backlog
    events.to = {
      accepted: (socket) => this.#accepted(socket),
      dropped: (address, port) => this.#target?.countRefused(tcpPeer(address, port, this.name)),
      // For example, no file descriptor is left. Connected clients are not affected.
      failed: failed,
    }
  }

  serve(target: TransportServer): void {
    if (this.#target !== undefined) throw new Error(`${this.name} is served by another server already.`)
    this.#target = target
    this.#endAccepting = acceptWith(this.#server, this.#makeSocket)
    for (const socket of this.#waiting.splice(0)) this.#accepted(socket)
  }

  hold(unserved: readonly ByteStream[]): void {
    this.#target = undefined
    this.#endAccepting()
    for (const stream of unserved) this.#wait(stream as Socket)
  }

  /** The state for a successor. The list of waiting sockets still grows. */
  handOver(): ListeningHandover {
    const { host, port, backlog } = this.#config
    return { host, port, backlog, server: this.#server, events: this.#events, waiting: this.#waiting }
  }

  /** Stops listening, and closes the sockets that wait. Resolves when the last socket is closed. */
  async close(): Promise<void> {
    await release(this.#server, this.#waiting)
  }

  #accepted(socket: Socket): void {
    if (this.#target === undefined) {
      this.#wait(socket)
      return
    }
    const { tcpKeepAliveMs } = this.#config
    // The bytes of a turn are sent in one write, which must not wait for an acknowledgement of the last one.
    socket.setNoDelay(true)
    socket.setKeepAlive(tcpKeepAliveMs > 0, tcpKeepAliveMs)
    this.#target.accept(socket, peerOf(socket, this.name))
  }

  #wait(socket: Socket): void {
    // Loss of the network while it waits; the successor will see that it is destroyed.
    socket.on('error', () => undefined)
    // Node keeps the address from now on: the operating system forgets it when the peer resets the connection.
    void socket.remoteAddress
    this.#waiting.push(socket)
  }
}

/** The options of the server's own listener. `maximumConnections` of the server is for all listeners together. */
const ownOptions = (config: ServerConfig): ListenerOptions => ({ ...config, maximumConnections: undefined })
