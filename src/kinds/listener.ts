import { kind } from '../system/kind.ts'

/** A component that accepts network connections, for the operator and for tests. */
export interface Listener {
  /** The address bound, as the operating system reports it. */
  readonly host: string
  /** The port bound: the actual port if the config has 0. */
  readonly port: number
  /** Connections open now, of all transports. */
  readonly connections: number
  /** Where connections come in: TCP first, then the further transports. */
  readonly listeners: readonly ListenerInfo[]
  /** What happened since the start. */
  readonly counters: Readonly<ConnectionCounters>
  /**
   * Brings all connections to a state in which nothing is borrowed or half done: sends what is gathered, and gives lent memory back. A
   * reset calls it in the turn in which it is applied, before anything changes. Optional.
   */
  settle?(): void
  /** True from the time at which it stops: it takes no connections, and ends those that it has. */
  readonly draining: boolean
  /** The addresses from which no connections are taken now, after failed authentications or because an operator said so. */
  bans(): readonly Ban[]
  /**
   * Takes no connections from an address for some time. Connections that are open stay open.
   * @param address IPv4 or IPv6, without a port. An IPv6 address stands for its network of 64 bits.
   * @param seconds more than 0; at most ten years.
   * @throws TypeError if it is no address; RangeError for the seconds, or if there are too many bans by operators.
   */
  ban(address: string, seconds: number): void
  /**
   * Ends the bans of an address, and forgets its failed authentications.
   * @param address as for `ban`, or as `bans` lists it.
   * @returns false if it was not banned. @throws TypeError if it is not an address.
   */
  unban(address: string): boolean
}

/** A ban that is not over. */
export interface Ban {
  /** `192.0.2.7`, or a network of IPv6: `2001:db8:0:0::/64`. */
  readonly address: string
  /** When it ends, in milliseconds since 1970. */
  readonly untilMs: number
  /** Whether an operator made it; otherwise failed authentications did. */
  readonly byOperator: boolean
}

// Two servers would each have their own bounds of memory and turns of the event loop. Further addresses are transports of the one server.
export const Listener = kind<Listener>()('Listener', { unique: true })

/** One place where connections come in, as it is now. */
export interface ListenerInfo {
  /** The name of the component. */
  readonly name: string
  /** `tcp`, `tls`, `ws`, `unix`. */
  readonly transport: string
  /** Where it listens, as text. */
  readonly address: string
  /** Connections open now. */
  readonly connections: number
  /** Connections that were let in, since the start. */
  readonly accepted: number
  /** Connections closed because there were too many, since the start. */
  readonly refused: number
}

/** Numbers about the connections of all transports, since the start. They are only for reports. */
export interface ConnectionCounters {
  /** Connections that were let in. */
  accepted: number
  /** Connections that were closed before a byte was read: too many of all, and those below. */
  refused: number
  /** Those of them that were too many for their listener. */
  refusedByListener: number
  /** Those of them that were too many for their address. */
  refusedByAddress: number
  /** Those of them whose address connected too often. */
  refusedByRate: number
  /** Those of them whose address was banned. */
  refusedByBan: number
  /** CONNECT packets of clients that failed to authenticate. */
  failedAuthentications: number
  /** Addresses that were banned for such failures. */
  bans: number
  bytesReceived: number
  /** Bytes given to the operating system. */
  bytesSent: number
  /** Connections that ended, by who ended them (`ConnectionEnd.by`). */
  endedByClient: number
  endedByNetwork: number
  endedByBroker: number
  /** Those that the server cut off since they read too slowly, and too many bytes were pending for all connections. */
  slowReaders: number
}
