import type { ListenerInfo } from '../../src/kinds/listener.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream, Transport, TransportServer } from '../../src/kinds/transport.ts'

/** Where a transport's connections go. */
export interface CoreEntrance {
  accept(stream: ByteStream, peer: Peer, listener: CoreListener): void
  admits(peer: Peer, listener: CoreListener): boolean
  countRefused(peer: Peer, listener: CoreListener): void
  changed(listener: CoreListener): void
  ended(listener: CoreListener): void
}

/** A listener of another core: what its connections refer to. */
export interface FormerListener {
  readonly source: Transport
  /** When its connections have to end, on the clock of `performance.now()`. Undefined while it is served. */
  readonly endsAtMs: number | undefined
}

/** The state of a listener. */
export interface ListenerRecord {
  /** The listener itself, which the transport calls. */
  readonly server: TransportServer & FormerListener
  readonly source: Transport
  readonly accepted: number
  readonly refused: number
  readonly asks: boolean
  readonly isShut: boolean
  readonly endsAtMs: number | undefined
  readonly options: ListenerOptions
}

/** One transport of the core, and what is counted for it. */
export class CoreListener implements TransportServer, ListenerInfo, FormerListener {
  /** The core replaces it by its successor. */
  source: Transport
  /** Connections open now. */
  connections = 0
  /** Accepted connections since the start. */
  accepted = 0
  /** Connections closed because there were too many, since the start. */
  refused = 0
  /** Whether it asks before the handshake of each connection: then its connections are judged there. */
  asks = false
  /** Whether it takes no connections: it would be open to a network by mistake, or its transport has ended. */
  isShut = false
  endsAtMs: number | undefined
  readonly #entrance: CoreEntrance
  #options: ListenerOptions

  constructor(source: Transport, entrance: CoreEntrance) {
    this.source = source
    this.#entrance = entrance
    this.#options = source.options
  }

  handOver(): ListenerRecord {
    const { source, accepted, refused, asks, isShut, endsAtMs } = this
    return { server: this, source, accepted, refused, asks, isShut, endsAtMs, options: this.#options }
  }

  /** Continues for another object. Its connections are counted when they follow. */
  continueFrom({ accepted, refused, asks, isShut, endsAtMs, options }: ListenerRecord): void {
    this.accepted = accepted
    this.refused = refused
    this.asks = asks
    this.isShut = isShut
    this.endsAtMs = endsAtMs
    this.#options = options
  }

  get name(): string {
    return this.source.name
  }

  get transport(): string {
    return this.source.transport
  }

  get address(): string {
    return this.source.address
  }

  /** Whether its options are other ones than at the last call. */
  hasOtherOptions(): boolean {
    const before = this.#options
    this.#options = this.source.options
    return before !== this.#options
  }

  accept(stream: ByteStream, peer: Peer): void {
    this.#entrance.accept(stream, peer, this)
  }

  /** Whether it has as many connections as its options allow. */
  get isFull(): boolean {
    const { maximumConnections } = this.source.options
    return maximumConnections !== undefined && this.connections >= maximumConnections
  }

  admits(peer: Peer): boolean {
    this.asks = true
    return this.#entrance.admits(peer, this)
  }

  countRefused(peer: Peer): void {
    this.#entrance.countRefused(peer, this)
  }

  changed(): void {
    this.#entrance.changed(this)
  }

  ended(): void {
    this.#entrance.ended(this)
  }
}

export type LogDetails = Readonly<Record<string, unknown>>

/** What the log says of a transport. */
export const detailsOf = ({ name, transport, address }: Transport): LogDetails => ({
  listener: name,
  transport,
  address,
})
