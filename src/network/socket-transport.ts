import { type Server, Socket } from 'node:net'
import type { ListenerOptions } from '../kinds/listener-options.ts'
import type { Logger } from '../kinds/logger.ts'
import type { Peer } from '../kinds/peer.ts'
import { ReplaceableLogger } from '../kinds/replaceable-logger.ts'
import type { ByteStream, Transport, TransportServer } from '../kinds/transport.ts'
import type { Adjustment } from '../system/define-system.ts'
import { change, follow, inSequence, NO_ADJUSTMENT } from './adjustments.ts'
import { formatAddress } from './format-address.ts'
import {
  type KeptListening,
  type ListenAddress,
  type Listening,
  type ListeningHandover,
  listen,
  release,
} from './listening.ts'
import { type MovableListener, moveListener } from './listening-move.ts'
import { isLoopback } from './loopback.ts'

/** The part of the description of a transport that an adjustment may change. */
export interface SocketTransportSettings {
  /** What the config asked for: a successor keeps the listening socket if it asks for the same. */
  readonly address: ListenAddress
  readonly options: ListenerOptions
  /** Whether clients come by a proxy. Then they may be on any machine, also when only this one reaches the address. */
  readonly isBehindProxy?: boolean
  /** Silence after which TCP probes the peer, in milliseconds; 0 or nothing for no probes. */
  readonly tcpKeepAliveMs?: number | undefined
}

/** The description that a transport gets of itself. */
export interface SocketTransportOptions extends SocketTransportSettings {
  /** The name of the component. */
  readonly name: string
  /** `Peer.transport` of its connections. */
  readonly transport: string
  /** Whether the server may take its sockets over (`Transport.adoptable`). */
  readonly adoptable: boolean
  /** That of the component. */
  readonly log: Logger
}

/** How a transport is adjusted. */
export interface SocketTransportChange {
  readonly settings: SocketTransportSettings
  /** The new logger of the component. */
  readonly log: Logger
  /** What else changes, in this order, before the server is told. */
  readonly steps: readonly Adjustment[]
  /** Listens at the new address. */
  listenAt(): Promise<KeptListening>
}

/** What a successor shares: handshakes that its predecessor has begun end there, and their connections go to the present server. */
export interface TransportPlace {
  target: TransportServer | undefined
  /** Accepted sockets whose handshake has not begun. */
  readonly waiting: Socket[]
  /** Connections that are ready, with their peers, while no server serves them. */
  readonly held: { readonly stream: ByteStream; readonly peer: Peer }[]
  /** The peers of connections that were handed over: `hold` may bring some of them back. */
  readonly peers: WeakMap<ByteStream, Peer>
}

/** The state of a transport for its successor, which may be of other code. */
export interface TransportRecord {
  readonly place: TransportPlace
  readonly listening: Listening
  readonly where: ListenAddress
  /** What the subclass hands over. */
  readonly parts: unknown
  /** Returns the events of the listening socket to the object that gave this. */
  takeBack(): void
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
 *     adjust: instance.adjust(config, log), which calls `prepare`
 *     handover: `prepare` makes an object without a listening socket; the rest are `give`, `rehearse`, `continueFrom`, `retire`, `discard`
 * @typeParam P what the subclass hands over beside that (`giveParts`, `takeParts`).
 */
export abstract class SocketTransport<P = unknown> implements Transport, MovableListener {
  readonly name: string
  readonly transport: string
  readonly adoptable: boolean
  /** Follows the logger of the component over adjustments. */
  protected readonly log: ReplaceableLogger
  #settings: SocketTransportSettings
  #listening!: Listening
  #where: ListenAddress
  #bound: Bound = { host: '', port: 0, isUnix: false }
  place: TransportPlace
  /** To the address of the config, for a successor whose predecessor listens elsewhere. */
  #move: Adjustment = NO_ADJUSTMENT
  /** Whether it continues for another object, until that is undone. */
  #continues = false
  /** Resolves when it has left the address of its predecessor. */
  #moved: Promise<void> = Promise.resolve()

  /**
   * @param kept what listens already, in this generation of the code or in the one before, and the sockets that wait there. Undefined for
   * a successor, which is passive until `continueFrom`.
   */
  constructor(kept: KeptListening | undefined, options: SocketTransportOptions) {
    this.name = options.name
    this.transport = options.transport
    this.adoptable = options.adoptable
    this.log = options.log instanceof ReplaceableLogger ? options.log : new ReplaceableLogger(options.log)
    this.#settings = options
    this.#where = options.address
    this.place = { target: undefined, waiting: [...(kept?.waiting ?? [])], held: [], peers: new WeakMap() }
    if (kept !== undefined) this.listenWith(kept.listening, options.address)
  }

  get options(): ListenerOptions {
    return this.#settings.options
  }

  /** The address bound, as the operating system reports it, or the path of a Unix socket. */
  get host(): string {
    return this.#bound.host
  }

  /** The port bound; 0 for a Unix socket. */
  get port(): number {
    return this.#bound.port
  }

  get address(): string {
    const { host, port, isUnix } = this.#bound
    return isUnix ? host : formatAddress(host, port)
  }

  get isLocal(): boolean {
    return this.#settings.isBehindProxy !== true && (this.#bound.isUnix || isLoopback(this.#bound.host))
  }

  get listening(): Listening {
    return this.#listening
  }

  get where(): ListenAddress {
    return this.#where
  }

  listenWith(listening: Listening, where: ListenAddress): void {
    this.#listening = listening
    this.#where = where
    this.#bound = boundOf(listening.server)
    listening.events.to = {
      accepted: (socket) => this.#accepted(socket),
      dropped: (address, port) => this.place.target?.countRefused(this.#peerAt(address, port)),
      // For example, no file descriptor is left. Connected clients are not affected.
      failed: (error) => this.log.error({ err: error }, 'A connection could not be accepted'),
    }
  }

  serve(target: TransportServer): void {
    if (this.place.target !== undefined) throw new Error(`${this.name} is served by another server already.`)
    this.place.target = target
    for (const { stream, peer } of this.place.held.splice(0)) this.ready(stream, peer)
    for (const socket of this.place.waiting.splice(0)) this.#accepted(socket)
  }

  hold(unserved: readonly ByteStream[]): void {
    this.place.target = undefined
    for (const stream of unserved) this.#hold(stream, this.place.peers.get(stream) ?? this.#peerAt())
  }

  /** The state for a successor that takes it while it is served. Changes nothing. */
  give(): TransportRecord {
    const [listening, where] = [this.#listening, this.#where]
    const takeBack = () => this.listenWith(listening, where)
    return { place: this.place, listening, where, parts: this.giveParts(), takeBack }
  }

  /**
   * Prepares to continue from a state: binds its address, if that is another one.
   * @throws Error with the reason why its connections cannot stay.
   */
  async rehearse({ listening, where, parts }: TransportRecord): Promise<void> {
    this.checkParts(parts as P)
    this.#listening = listening
    this.#where = where
    const check = () => this.place.target?.changed()
    const listenAt = () => this.listenAnew()
    this.#move = await moveListener(this, this.#settings.address, { log: this.log, listenAt, check })
  }

  /** Gives up what `rehearse` has prepared. */
  async discard(): Promise<void> {
    this.retire()
    await this.#move.discard?.()
  }

  /** Listens in place of another object, between two turns of the event loop. @returns takes it back. @throws after it has done so. */
  continueFrom({ place, listening, where, parts, takeBack }: TransportRecord): () => void {
    const steps = inSequence(
      change(() => {
        this.place = place
        this.listenWith(listening, where)
        return takeBack
      }),
      this.#move,
      change(() => this.takeParts(parts as P)),
    )
    const undo = (): void => {
      this.#continues = false
      steps.undo()
    }
    try {
      steps.commit()
    } catch (error) {
      undo()
      throw error
    }
    this.#continues = true
    this.#moved = new Promise((resolve) => {
      setImmediate(() => resolve(this.#continues ? this.#applied() : undefined))
    })
    return undo
  }

  async #applied(): Promise<void> {
    try {
      this.applied()
      await this.#move.done?.()
    } catch (error) {
      this.log.error({ err: error }, 'The listener could not leave its address from before')
    }
  }

  /** Another object listens for good, or it is not needed: releases what it holds beside connections and handshakes. */
  retire(): void {}

  /** What a subclass hands over. */
  protected giveParts(): P | undefined {
    return undefined
  }

  /** @throws Error with the reason why it cannot continue from these parts without a restart. */
  protected checkParts(_parts: P): void {}

  /** Continues from the parts of another object. @returns takes back what it does outside of this object. */
  protected takeParts(_parts: P): () => void {
    return () => undefined
  }

  /** It continues for good. */
  protected applied(): void {}

  /** Listens at the address of its config. */
  protected listenAnew(): Promise<KeptListening> {
    return listen(this.#settings.address)
  }

  /**
   * The state for a successor. The list of waiting sockets still grows. Connections that have begun with anything are closed: the
   * successor may demand something else of them, such as a certificate.
   */
  handOver(): ListeningHandover {
    this.place.target?.ended()
    this.abandonHandshakes()
    for (const { stream, peer } of this.place.held.splice(0)) {
      if (this.adoptable && peer.proxied !== true && stream instanceof Socket) this.#wait(stream)
      else stream.destroy()
    }
    const { server, events } = this.#listening
    return { ...this.#where, server, events, waiting: this.place.waiting }
  }

  /** Stops listening, and closes every connection that no server has. A server that serves it still ends the others. Resolves when the last socket is closed. */
  async close(): Promise<void> {
    this.place.target?.ended()
    this.abandonHandshakes()
    // Otherwise it would listen again after that.
    await this.#moved
    for (const { stream } of this.place.held.splice(0)) stream.destroy()
    await release(this.#listening.server, this.place.waiting)
  }

  /**
   * Prepares the change to another config. Connections that were accepted stay as they are; the settings are for those that come from
   * now on.
   */
  protected async prepare({ settings, log, steps, listenAt }: SocketTransportChange): Promise<Adjustment> {
    const tell = (): void => this.place.target?.changed()
    return inSequence(
      follow(this.log, log),
      await moveListener(this, settings.address, { log: this.log, listenAt, check: tell }),
      change(() => this.#use(settings)),
      ...steps,
      change(() => {
        tell()
        return () => undefined
      }),
    )
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
    return this.place.target?.admits(peer) ?? false
  }

  /** Hands a connection to the server, or holds it until there is one. */
  protected ready(stream: ByteStream, peer: Peer): void {
    if (this.place.target === undefined) {
      this.#hold(stream, peer)
      return
    }
    this.place.peers.set(stream, peer)
    this.place.target.accept(stream, peer)
  }

  #use(settings: SocketTransportSettings): () => void {
    const before = this.#settings
    this.#settings = settings
    return () => {
      this.#settings = before
    }
  }

  #accepted(socket: Socket): void {
    if (this.place.target === undefined) {
      this.#wait(socket)
      return
    }
    if (socket.destroyed) return
    // The bytes of a turn are sent in one write, which must not wait for an acknowledgement of the last one.
    socket.setNoDelay(true)
    const { tcpKeepAliveMs = 0 } = this.#settings
    socket.setKeepAlive(tcpKeepAliveMs > 0, tcpKeepAliveMs)
    this.begin(socket, this.#peerAt(socket.remoteAddress, socket.remotePort))
  }

  #wait(socket: Socket): void {
    // Loss of the network while it waits; the successor will see that it is destroyed.
    socket.on('error', () => undefined)
    // Node keeps the address from now on: the operating system forgets it when the peer resets the connection.
    void socket.remoteAddress
    if (this.place.waiting.length < MAXIMUM_WAITING) this.place.waiting.push(socket)
    else socket.destroy()
  }

  #hold(stream: ByteStream, peer: Peer): void {
    stream.on('error', () => stream.destroy())
    if (this.place.held.length < MAXIMUM_WAITING) this.place.held.push({ stream, peer })
    else stream.destroy()
  }

  #peerAt(address = '', port = 0): Peer {
    return { address, port, listener: this.name, transport: this.transport }
  }
}

interface Bound {
  readonly host: string
  readonly port: number
  readonly isUnix: boolean
}

const boundOf = (server: Server): Bound => {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return { host: bound ?? '', port: 0, isUnix: true }
  return { host: bound.address, port: bound.port, isUnix: false }
}
