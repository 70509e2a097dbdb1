import type { AddressInfo, Server, Socket } from 'node:net'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { ByteStream, Transport, TransportServer } from '../../src/kinds/transport.ts'
import { formatAddress } from '../../src/network/format-address.ts'
import {
  type KeptListening,
  type ListenAddress,
  type Listening,
  type ListeningHandover,
  release,
} from '../../src/network/listening.ts'
import type { MovableListener } from '../../src/network/listening-move.ts'
import { isLoopback } from '../../src/network/loopback.ts'
import { acceptWith } from './accepting.ts'
import type { ServerConfig } from './config.ts'
import type { TcpRecord } from './core-record.ts'
import { peerOf, tcpPeer } from './peer-of.ts'

/** Connections over TCP. The listening socket outlives it: a successor uses it. */
export class TcpTransport implements Transport, MovableListener {
  readonly name: string
  readonly transport = 'tcp'
  readonly adoptable = true
  place: object = {}
  readonly #failed: (error: Error) => void
  #config: ServerConfig
  #options: ListenerOptions
  #listening!: Listening
  #where: ListenAddress
  #host = ''
  #port = 0
  readonly #makeSocket: (handle: object) => Socket
  #target: TransportServer | undefined
  /** Each lets Node make the sockets of a server again: a successor gets sockets that do not use this server's memory. */
  readonly #endAccepting = new Map<Server, () => void>()
  /** Sockets that were accepted while no server serves them. The limit is that of connections. */
  readonly #waiting: Socket[]

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and sockets that were accepted before and
   * not served. Undefined: `continueFrom` follows.
   * @param makeSocket makes the socket of a connection, from what Node calls its handle.
   * @param failed told when a connection could not be accepted.
   */
  constructor(
    kept: KeptListening | undefined,
    config: ServerConfig,
    name: string,
    makeSocket: (handle: object) => Socket,
    failed: (error: Error) => void,
  ) {
    this.name = name
    this.#config = config
    this.#options = ownOptions(config)
    this.#waiting = [...(kept?.waiting ?? [])]
    this.#makeSocket = makeSocket
    this.#failed = failed
    this.#where = whereOf(config)
    if (kept !== undefined) this.listenWith(kept.listening, this.#where)
  }

  get host(): string {
    return this.#host
  }

  get port(): number {
    return this.#port
  }

  get address(): string {
    return formatAddress(this.#host, this.#port)
  }

  get isLocal(): boolean {
    return isLoopback(this.#host)
  }

  get options(): ListenerOptions {
    return this.#options
  }

  get listening(): Listening {
    return this.#listening
  }

  get where(): ListenAddress {
    return this.#where
  }

  listenWith(listening: Listening, where: ListenAddress): void {
    const { server, events } = listening
    const { address, port } = server.address() as AddressInfo
    this.#host = address
    this.#port = port
    this.#where = where
    this.#listening = listening
    this.#limit(server)
    events.to = {
      accepted: (socket) => this.#accepted(socket),
      dropped: (address, port) => this.#target?.countRefused(tcpPeer(address, port, this.name)),
      // For example, no file descriptor is left. Connected clients are not affected.
      failed: this.#failed,
    }
    if (this.#target !== undefined) this.#accept(server)
  }

  /** Takes over the values of another config, but for the address: for connections that are accepted from now on. */
  configure(config: ServerConfig): void {
    this.#config = config
    this.#options = ownOptions(config)
    this.#limit(this.#listening.server)
  }

  serve(target: TransportServer): void {
    if (this.#target !== undefined) throw new Error(`${this.name} is served by another server already.`)
    this.#target = target
    this.#accept(this.#listening.server)
    for (const socket of this.#waiting.splice(0)) this.#accepted(socket)
  }

  hold(unserved: readonly ByteStream[]): void {
    this.#target = undefined
    for (const end of this.#endAccepting.values()) end()
    this.#endAccepting.clear()
    for (const stream of unserved) this.#wait(stream as Socket)
  }

  /** The listening socket, for a successor that takes it while it is served. */
  give(): TcpRecord {
    const [listening, where] = [this.#listening, this.#where]
    return { place: this.place, listening, where, takeBack: () => this.listenWith(listening, where) }
  }

  /** Knows what it will listen with, and does not yet. */
  foresee({ listening, where }: TcpRecord): void {
    this.#listening = listening
    this.#where = where
  }

  /** Takes the events of the listening socket of another object. `serve` follows. @returns goes back. */
  continueFrom({ place, listening, where, takeBack }: TcpRecord): () => void {
    this.place = place
    this.listenWith(listening, where)
    return takeBack
  }

  /** The state for a successor. The list of waiting sockets still grows. */
  handOver(): ListeningHandover {
    return { ...this.#where, ...this.#listening, waiting: this.#waiting }
  }

  /** Stops listening, and closes the sockets that wait. Resolves when the last socket is closed. */
  async close(): Promise<void> {
    await release(this.#listening.server, this.#waiting)
  }

  /** At most as many as the operating system hands over at once wait for a place. */
  #limit(server: Server): void {
    const { maximumConnections, backlog } = this.#config
    server.maxConnections = maximumConnections + backlog
  }

  /** Has the sockets of a server made here. */
  #accept(server: Server): void {
    for (const known of this.#endAccepting.keys()) if (!known.listening) this.#endAccepting.delete(known)
    if (!this.#endAccepting.has(server)) this.#endAccepting.set(server, acceptWith(server, this.#makeSocket))
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

/** Where the server's own listener listens. */
export const whereOf = ({ host, port, backlog }: ServerConfig): ListenAddress => ({ host, port, backlog })
