import { kind } from '../system/kind.ts'
import type { Peer } from './peer.ts'

/** What a trace follows. A packet has to fit all that are given; at least one is. */
export interface TraceFilter {
  /** A Client Identifier. */
  readonly clientId?: string | undefined
  /** The user that authentication found, or the User Name of CONNECT. */
  readonly userName?: string | undefined
  /** The address of a client without its port: `192.0.2.7`. */
  readonly address?: string | undefined
  /** A Topic Filter. It leaves only PUBLISH packets on its topics, and SUBSCRIBE and UNSUBSCRIBE with this very filter. */
  readonly topic?: string | undefined
}

/** What a trace follows, and its bounds. Values over the maxima of the component are refused. */
export interface TraceOptions extends TraceFilter {
  /** Whether lines have the start of each payload. False when it is left out. */
  readonly payloads?: boolean | undefined
  /** After so many seconds it ends by itself. */
  readonly seconds?: number | undefined
  /** So many of the last lines are kept. */
  readonly maximumLines?: number | undefined
}

/** A packet that a trace saw. Plain data: it never changes. */
export interface TraceLine {
  /** Counted up from 1 within its trace. A gap is lines that were not kept. */
  readonly number: number
  /** In milliseconds since 1970. */
  readonly atMs: number
  /** `received` from the client, or `sent` to it. */
  readonly direction: 'received' | 'sent'
  /** The Client Identifier; undefined before CONNECT, and for a client that the server named and that cannot be told its name. */
  readonly clientId: string | undefined
  /** The connection: its number and its peer, `#12 192.0.2.7:5123`. */
  readonly connection: string
  /** The name of the packet in the specification: `PUBLISH`. `Protocol error` for bytes that were no legal packet. */
  readonly packet: string
  /** What the packet says, without payload, password and user name: `{ topic: 'a/b', qos: 1, payloadBytes: 5 }`. */
  readonly fields: Readonly<Record<string, unknown>>
  /** The start of the payload, if the trace was asked for it. `text` is left out when the bytes are not UTF-8. */
  readonly payload?: TracedPayload | undefined
  /** The line as text, without its time: `kitchen → PUBLISH topic=a/b qos=1 payloadBytes=5`. */
  readonly text: string
}

/** The start of a payload. */
export interface TracedPayload {
  readonly base64: string
  readonly text?: string | undefined
  /** Whether there is more of it. */
  readonly isCut: boolean
}

/** A trace, running or ended. */
export interface Trace {
  /** Unique within the tracer: `1`. */
  readonly id: string
  readonly filter: TraceFilter
  readonly payloads: boolean
  readonly startedAtMs: number
  /** When it ended, or will end by itself. */
  readonly endsAtMs: number
  readonly isRunning: boolean
  /** Lines so far: those that are kept, and those before them. */
  readonly count: number
  /** Packets that fitted, for which there was no line because there were too many in a second. */
  readonly missed: number
  /**
   * The lines that are kept, the oldest first.
   * @param after only those with a greater `number`; 0 when it is left out. @param limit at most so many; all when it is left out.
   */
  lines(after?: number, limit?: number): readonly TraceLine[]
  /** Ends it. The lines stay. No effect on one that has ended. */
  stop(): void
}

/** A packet for the traces that it fits. The parts are read only if there is a line. */
export interface TracedPacket {
  readonly direction: TraceLine['direction']
  readonly clientId: string | undefined
  readonly connectionId: number
  readonly peer: Peer
  readonly packet: string
  readonly fields: Readonly<Record<string, unknown>>
  /** Lent. */
  readonly payload?: Uint8Array | undefined
}

/** A trace for a stage of the pipeline, which adds what it sees. */
export interface RunningTrace extends Trace {
  /** Whether it takes another line in this second. If not, the packet is counted as missed. */
  mayAdd(): boolean
  /** Whether it takes so many lines in this second, of packets that come together; at least as many as it takes of a second at all. */
  takes(count: number): boolean
  /** Counts packets as missed that need not be looked at one by one, since it takes no lines of them. */
  miss(count: number): void
  add(packet: TracedPacket): void
}

/** Follows chosen clients or topics: keeps what stages of the pipeline see of them. All calls are synchronous. */
export interface Tracer {
  /**
   * Starts a trace.
   * @throws TypeError if nothing, or something illegal, is to be followed. RangeError for a bound, or if too many traces run.
   */
  start(options: TraceOptions): Trace
  /** Those that run and those that ended and are kept, the oldest first. */
  traces(): readonly Trace[]
  find(id: string): Trace | undefined
  /** Ends a trace and forgets its lines. @returns false when there is none. */
  delete(id: string): boolean
  /**
   * Calls a listener with each line. What it throws is logged, and it is not called again.
   * @returns ends that.
   */
  onLine(listener: (line: TraceLine, trace: Trace) => void): () => void
  /**
   * For stages: the traces that run, undefined when there are none. A new list for every change: a stage that has looked at this one
   * compares the list with the one that it knows.
   */
  readonly running: readonly RunningTrace[] | undefined
}

export const Tracer = kind<Tracer>()('Tracer')
