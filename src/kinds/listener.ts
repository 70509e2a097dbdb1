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
}

// Two would have bounds of memory and turns of the event loop of their own. Further addresses are transports of the one.
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
  /** Connections closed because there were too many. */
  refused: number
  /** CONNECT packets of clients that failed to authenticate. */
  failedAuthentications: number
  bytesReceived: number
  /** Bytes given to the operating system. */
  bytesSent: number
  /** Connections that ended, by who ended them (`ConnectionEnd.by`). */
  endedByClient: number
  endedByNetwork: number
  endedByBroker: number
}
