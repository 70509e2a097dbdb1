import { Socket } from 'node:net'
import type { ListenerOptions } from '../kinds/listener-options.ts'
import type { Logger } from '../kinds/logger.ts'
import type { Peer } from '../kinds/peer.ts'
import type { ByteStream, Transport, TransportServer } from '../kinds/transport.ts'
import { formatAddress } from './format-address.ts'
import { type KeptListening, type ListenAddress, type Listening, type ListeningHandover, release } from './listening.ts'
import { isLoopback } from './loopback.ts'

/** The description that a transport gets of itself. */
export interface SocketTransportOptions {
  /** The name of the component. */
  readonly name: string
  /** `Peer.transport` of its connections. */
  readonly transport: string
  /** Whether the server may take its sockets over (`Transport.adoptable`). */
  readonly adoptable: boolean
  /** What the config asked for: a successor keeps the listening socket if it asks for the same. */
  readonly address: ListenAddress
  readonly options: ListenerOptions
  /** Whether clients come by a proxy. Then they may be on any machine, also when only this one reaches the address. */
  readonly isBehindProxy?: boolean
  /** Silence after which TCP probes the peer, in milliseconds; 0 or nothing for no probes. */
  readonly tcpKeepAliveMs?: number | undefined
  /** That of the component. */
  readonly log: Logger
}

/** Sockets that wait while no server serves them: for the time of a reset. Further ones are closed. */
const MAXIMUM_WAITING = 10_000

/**
 * What all transports share that listen on a socket of the operating system: who is served, which connections wait, and the listening
 * socket over a reset.
 *
 * A subclass writes `begin`, which gets each accepted socket. It calls `ready` at once when the bytes of MQTT come as they are (TCP, Unix
 * sockets), or after a handshake, which `Handshakes` bounds. A transport with a handshake asks `admits` before it, and overrides
 * `abandonHandshakes`. The component does this:
 *
 *     start: new X(await listen(address), options)     stop: instance.close()
 *     suspend: instance.handOver()     resume: new X(await keepOrListen(suspended, address, signal), options)
 */
export abstract class SocketTransport implements Transport {
  readonly name: string
  readonly transport: string
  readonly adoptable: boolean
  readonly options: ListenerOptions
  /** The address bound, as the operating system reports it, or the path of a Unix socket. */
  readonly host: string
  /** The port bound; 0 for a Unix socket. */
  readonly port: number
  readonly address: string
  readonly isLocal: boolean
  protected readonly log: Logger
  readonly #listening: Listening
  readonly #where: ListenAddress
  readonly #tcpKeepAliveMs: number
  #target: TransportServer | undefined
  /** Accepted sockets whose handshake has not begun. */
  readonly #waiting: Socket[]
  /** Connections that are ready, with their peers, while no server serves them. */
  readonly #held: { readonly stream: ByteStream; readonly peer: Peer }[] = []
  /** The peers of connections that were handed over: `hold` may bring some of them back. */
  readonly #peers = new WeakMap<ByteStream, Peer>()

  /** @param kept what listens already, in this generation of the code or in the one before, and the sockets that wait there. */
  constructor({ listening, waiting }: KeptListening, options: SocketTransportOptions) {
    this.name = options.name
    this.transport = options.transport
    this.adoptable = options.adoptable
    this.options = options.options
    this.log = options.log
    this.#where = options.address
    this.#tcpKeepAliveMs = options.tcpKeepAliveMs ?? 0
    this.#listening = listening
    this.#waiting = [...waiting]
    const bound = listening.server.address()
    const isUnix = bound === null || typeof bound === 'string'
    this.host = isUnix ? (bound ?? '') : bound.address
    this.port = isUnix ? 0 : bound.port
    this.address = isUnix ? this.host : formatAddress(this.host, this.port)
    this.isLocal = options.isBehindProxy !== true && (isUnix || isLoopback(this.host))
    listening.events.to = {
      accepted: (socket) => this.#accepted(socket),
      dropped: (address, port) => this.#target?.countRefused(this.#peerAt(address, port)),
      // For example, no file descriptor is left. Connected clients are not affected.
      failed: (error) => this.log.error({ err: error }, 'A connection could not be accepted'),
    }
  }

  serve(target: TransportServer): void {
    if (this.#target !== undefined) throw new Error(`${this.name} is served by another server already.`)
    this.#target = target
    for (const { stream, peer } of this.#held.splice(0)) this.ready(stream, peer)
    for (const socket of this.#waiting.splice(0)) this.#accepted(socket)
  }

  hold(unserved: readonly ByteStream[]): void {
    this.#target = undefined
    for (const stream of unserved) this.#hold(stream, this.#peers.get(stream) ?? this.#peerAt())
  }

  /**
   * The state for a successor. The list of waiting sockets still grows. Connections that have begun with anything are closed: the
   * successor may demand something else of them, such as a certificate.
   */
  handOver(): ListeningHandover {
    this.abandonHandshakes()
    for (const { stream, peer } of this.#held.splice(0)) {
      if (this.adoptable && peer.proxied !== true && stream instanceof Socket) this.#wait(stream)
      else stream.destroy()
    }
    return { ...this.#where, ...this.#listening, waiting: this.#waiting }
  }

  /** Stops listening, and closes every connection that no server has. Resolves when the last socket is closed. */
  async close(): Promise<void> {
    this.abandonHandshakes()
    for (const { stream } of this.#held.splice(0)) stream.destroy()
    await release(this.#listening.server, this.#waiting)
  }

  /**
   * Takes an accepted socket, which is paused and of which nothing was read. Called only while a server serves the transport.
   * @param peer the other end of the socket.
   */
  protected abstract begin(socket: Socket, peer: Peer): void

  /** Destroys the connections whose handshake is under way. Called when the transport is closed or handed over. */
  protected abandonHandshakes(): void {}

  /** Whether the server allows a connection from this peer to begin its handshake. If not, the caller destroys it. */
  protected admits(peer: Peer): boolean {
    return this.#target?.admits(peer) ?? false
  }

  /** Hands a connection to the server, or holds it until there is one. */
  protected ready(stream: ByteStream, peer: Peer): void {
    if (this.#target === undefined) {
      this.#hold(stream, peer)
      return
    }
    this.#peers.set(stream, peer)
    this.#target.accept(stream, peer)
  }

  #accepted(socket: Socket): void {
    if (this.#target === undefined) {
      this.#wait(socket)
      return
    }
    if (socket.destroyed) return
    // The bytes of a turn are sent in one write, which must not wait for an acknowledgement of the last one.
    socket.setNoDelay(true)
    socket.setKeepAlive(this.#tcpKeepAliveMs > 0, this.#tcpKeepAliveMs)
    this.begin(socket, this.#peerAt(socket.remoteAddress, socket.remotePort))
  }

  #wait(socket: Socket): void {
    // Loss of the network while it waits; the successor will see that it is destroyed.
    socket.on('error', () => undefined)
    // Node keeps the address from now on: the operating system forgets it when the peer resets the connection.
    void socket.remoteAddress
    if (this.#waiting.length < MAXIMUM_WAITING) this.#waiting.push(socket)
    else socket.destroy()
  }

  #hold(stream: ByteStream, peer: Peer): void {
    stream.on('error', () => stream.destroy())
    if (this.#held.length < MAXIMUM_WAITING) this.#held.push({ stream, peer })
    else stream.destroy()
  }

  #peerAt(address = '', port = 0): Peer {
    return { address, port, listener: this.name, transport: this.transport }
  }
}
