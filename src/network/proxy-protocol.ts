import type { Socket } from 'node:net'
import { z } from 'zod'
import { LogInterval } from '../collections/log-interval.ts'
import type { Logger } from '../kinds/logger.ts'
import { describePeer, type Peer } from '../kinds/peer.ts'
import { AddressList, addressRange } from './address-list.ts'
import { type Handshake, type HandshakeCounters, Handshakes, type HandshakesState } from './handshakes.ts'
import { type ProxyHeader, ProxyHeaderReader } from './proxy-header.ts'
import { ProxyHeaderError } from './proxy-header-error.ts'

/** The value `proxyProtocol` of a listener. Unset: connections come from the clients themselves. */
export const proxyProtocol = z.strictObject({
  trusted: z
    .array(addressRange)
    .min(1)
    .describe('Addresses of the proxies: `10.0.0.5`, `10.0.0.0/8`. Connections from other addresses are closed.'),
  deadlineMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(2_000)
    .describe('How long the header of a proxy may take, in milliseconds.'),
  maximumHandshakes: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_000)
    .describe(
      'Connections whose header is awaited at the same time. Of more, the oldest of the address that has most is closed, or the new one.',
    ),
})

export type ProxyProtocolConfig = z.output<typeof proxyProtocol>

/** Numbers about the headers of proxies, since the start. */
export interface ProxyCounters {
  readonly headers: Readonly<HandshakeCounters>
  /** Connections closed because their address is not one of a proxy. */
  untrusted: number
}

/** What a successor shares. */
export interface ProxyState {
  readonly counters: ProxyCounters
  readonly headers: HandshakesState
}

/** At most one line about connections from other addresses is logged in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/**
 * Reads the header of a proxy (PROXY protocol, version 1 or 2) from each connection of a listener, before TLS or MQTT. The header says
 * where the client is, so only proxies that the config names may connect: another host could claim any address.
 */
export class ProxyProtocol {
  counters: ProxyCounters
  #trusted: AddressList
  readonly #headers: Handshakes
  readonly #log: Logger
  readonly #logInterval = new LogInterval(LOG_INTERVAL_MS)

  /** @param log that of the component. */
  constructor({ trusted, deadlineMs, maximumHandshakes }: ProxyProtocolConfig, log: Logger) {
    this.#trusted = new AddressList(trusted)
    this.#headers = new Handshakes({ maximumHandshakes, handshakeDeadlineMs: deadlineMs }, log)
    this.counters = { headers: this.#headers.counters, untrusted: 0 }
    this.#log = log
  }

  handOver(): ProxyState {
    return { counters: this.counters, headers: this.#headers.handOver() }
  }

  /** Continues for another object, before any header is awaited here. */
  continueFrom({ counters, headers }: ProxyState): void {
    this.counters = counters
    this.#headers.continueFrom(headers)
  }

  /** Takes over another config, for connections that come from now on. */
  configure({ trusted, deadlineMs, maximumHandshakes }: ProxyProtocolConfig): void {
    this.#trusted = new AddressList(trusted)
    this.#headers.configure({ maximumHandshakes, handshakeDeadlineMs: deadlineMs })
  }

  /**
   * Reads the header. The bytes behind it stay in the stream of the socket. If there is no valid header in time, the socket is
   * destroyed, and that is counted and logged.
   * @param peer the other end of the socket, which is the proxy.
   * @param done called when the header was read, with the client.
   */
  read(socket: Socket, peer: Peer, done: (client: Peer) => void): void {
    if (!this.#trusted.has(peer.address)) {
      this.#refuse(socket, peer)
      return
    }
    const handshake = this.#headers.begin(socket, peer)
    if (handshake !== undefined) new PendingHeader(socket, handshake, (header) => done(clientOf(peer, header)))
  }

  /** Destroys the connections whose header is awaited. */
  stop(): void {
    this.#headers.stop()
  }

  #refuse(socket: Socket, peer: Peer): void {
    socket.on('error', () => undefined)
    socket.destroy()
    this.counters.untrusted += 1
    if (!this.#logInterval.begin()) return
    const remote = describePeer(peer)
    this.#log.warn(
      { remote, untrusted: this.counters.untrusted },
      `Connections refused, the last one from ${remote}: it is not one of the proxies that proxyProtocol.trusted names`,
    )
  }
}

/**
 * Reads the headers of a listener whose config changes. What is counted goes on.
 * @param before what read them until now; undefined if there were none.
 */
export const withProxyConfig = (
  before: ProxyProtocol | undefined,
  config: ProxyProtocolConfig | undefined,
  log: Logger,
): ProxyProtocol | undefined => {
  if (config === undefined) return undefined
  before?.configure(config)
  return before ?? new ProxyProtocol(config, log)
}

/** A connection whose header has not come as a whole. */
class PendingHeader {
  readonly #socket: Socket
  readonly #handshake: Handshake
  readonly #reader = new ProxyHeaderReader()
  readonly #done: (header: ProxyHeader) => void

  constructor(socket: Socket, handshake: Handshake, done: (header: ProxyHeader) => void) {
    this.#socket = socket
    this.#handshake = handshake
    this.#done = done
    socket.on('readable', this.#read)
    socket.on('end', this.#ended)
  }

  readonly #read = (): void => {
    const socket = this.#socket
    while (!this.#handshake.isOver && socket.readableLength > 0) {
      const piece: Buffer = socket.read(Math.min(this.#reader.wanted, socket.readableLength))
      const header = this.#take(piece)
      if (header === undefined) continue
      socket.removeListener('readable', this.#read)
      socket.removeListener('end', this.#ended)
      if (this.#handshake.succeed()) this.#done(header)
    }
  }

  /** The peer has closed its side. The socket itself is half open. */
  readonly #ended = (): void => this.#handshake.fail('closed', 'the connection ended within the PROXY header')

  #take(piece: Buffer): ProxyHeader | undefined {
    try {
      return this.#reader.read(piece)
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error
      this.#handshake.fail('protocol', error.message)
      return undefined
    }
  }
}

/** The client as the proxy described it. A proxy that connects for itself, for example to see whether the broker runs, stays the peer. */
const clientOf = (proxy: Peer, { source, tls }: ProxyHeader): Peer => {
  if (source === undefined) return proxy
  return { ...proxy, ...source, proxied: true, ...(tls !== undefined && { tls }) }
}
