import { kind } from '../system/kind.ts'
import type { ListenerOptions } from './listener-options.ts'
import type { Peer } from './peer.ts'

/**
 * A way for clients to connect: TCP with TLS, WebSocket, a Unix socket. It accepts connections and hands each to the server as
 * a stream of bytes with its peer. The server does the rest for all transports: pipelines, memory bounds, fairness, the turns
 * of the event loop.
 *
 * A component binds its address when it starts, so that an address that is taken is an error of its own entry. The server
 * starts after it and calls `serve`. At a stop and a reset the server calls `hold`, before the component is stopped or
 * suspended.
 */
export interface Transport {
  /** The name of the component, which is `Peer.listener` of its connections. */
  readonly name: string
  /** `Peer.transport` of its connections: `tls`, `ws`, `unix`. */
  readonly transport: string
  /** Where it listens, as text: `0.0.0.0:8883`, `/run/mqtt.sock`. */
  readonly address: string
  /** Whether only clients on this machine can reach it. False behind a proxy, which may pass clients of other machines on. */
  readonly isLocal: boolean
  /**
   * Whether the streams are sockets of the operating system that carry the bytes of MQTT as they are, as with TCP and Unix sockets. The
   * server then takes the socket over, to read into memory that all connections share. A TLSSocket or a WebSocket must not be taken over.
   */
  readonly adoptable: boolean
  /** What it demands of its clients, and grants them. */
  readonly options: ListenerOptions
  /**
   * Identifies the listener over a reset that swaps its code: a successor has that of its predecessor, and its connections stay. Optional:
   * without it the connections of a predecessor end.
   */
  readonly place?: object
  /**
   * Hands over the connections that waited, and each new one from now on.
   * @throws an Error with the name of the transport if it already serves another server. Call `hold` first.
   */
  serve(server: TransportServer): void
  /**
   * Stops handing over connections. New connections wait for the next `serve`, of this component or of its successor, or are
   * closed when the component stops.
   * @param unserved streams that were handed over and not let in: they wait, too.
   */
  hold(unserved: readonly ByteStream[]): void
}

// A transport that is restarted tells its server, which ends its connections and no others.
export const Transport = kind<Transport>()('Transport', { stateless: true })

/** Takes the connections of a transport. */
export interface TransportServer {
  /**
   * Takes a connection. The server accepts it when the work of the turn allows it, or refuses it if there are too many.
   * @param stream a paused stream of which nothing was read. The server owns it from now on.
   */
  accept(stream: ByteStream, peer: Peer): void
  /**
   * Whether a new connection from this address is allowed: it is not banned, its address does not connect too often, and there is
   * room. A transport whose connections begin with a handshake (TLS, PROXY, WebSocket) asks before it, as soon as it knows the real
   * address, and destroys the connection at once if the answer is false. The server counts and logs the refusal. A transport that has
   * asked once asks for each of its connections: those of other transports are judged when `accept` is called.
   */
  admits(peer: Peer): boolean
  /** Counts and logs a connection that the transport has closed because there were too many. */
  countRefused(peer: Peer): void
  /**
   * The address or the options of the transport have changed. Connections that are open stay as they are.
   * @throws Error if the server does not serve it so, since it would be open to a network by mistake. The transport takes the change back.
   */
  changed(): void
  /** The transport stops while it is served: the server ends its connections, and takes none any more. */
  ended(): void
}

/**
 * A connection as a stream of bytes in both directions: a part of Node's `Duplex`. It is half open: after `end`, bytes can
 * still be written (`allowHalfOpen`).
 */
export interface ByteStream {
  /** Bytes arrived. The first listener starts the flow. The bytes never change. */
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  /** `end`: the peer sends nothing more. `close`: the last event; nothing is open any more. */
  on(event: 'end' | 'close', listener: () => void): unknown
  /** The connection failed. The server destroys the stream then, since not every stream does so itself. */
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): unknown
  resume(): unknown
  /** @param written called when the bytes were taken or with the error: they must not change before. */
  write(bytes: Uint8Array, written?: (error?: Error | null) => void): unknown
  /** From here to `uncork` what is written is gathered for one write. */
  cork(): unknown
  uncork(): unknown
  /**
   * True if it has copied or sent all bytes that `writableLength` does not count. Otherwise it is given copies, unless it is a socket of
   * Node, since the memory of what is written is used again.
   */
  readonly copiesBytes?: boolean
  /** Bytes that were written and not taken. */
  readonly writableLength: number
  readonly errored: Error | null
  readonly destroyed: boolean
  /** Sends what was written, and then ends the sending direction. */
  end(): unknown
  /** Closes both directions at once. */
  destroy(error?: Error): unknown
}
