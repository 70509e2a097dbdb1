import type { Duplex } from 'node:stream'
import { LogInterval } from '../collections/log-interval.ts'
import type { Logger } from '../kinds/logger.ts'
import { describePeer, type Peer } from '../kinds/peer.ts'
import { addressKey } from './address-key.ts'

/** Why a handshake failed: it took too long, the peer went away, its bytes were wrong, or its certificate was refused. */
export type HandshakeFailure = 'deadline' | 'closed' | 'protocol' | 'certificate'

/** Numbers about the handshakes of a listener, since the start. */
export interface HandshakeCounters {
  /** Handshakes that begin and are not finished yet. */
  underWay: number
  completed: number
  /** Connections closed because as many handshakes were under way as are allowed, begun ones included. */
  refused: number
  readonly failed: Record<HandshakeFailure, number>
}

export interface HandshakeBounds {
  /** Handshakes under way at the same time. */
  readonly maximumHandshakes: number
  /** Time from the first byte that is awaited to the end of the handshake, in milliseconds. Bytes that arrive do not prolong it. */
  readonly handshakeDeadlineMs: number
}

/** The handshakes under way, and what is counted: a successor shares it, so that handshakes which have begun end within the same bounds. */
export interface HandshakesState {
  readonly counters: HandshakeCounters
  readonly underWay: Set<Handshake>
  /** The same by the address that the connection comes from, of addresses that have some; the oldest first. */
  readonly bySource: Map<string, Set<Handshake>>
}

/** At most one line about handshakes of each kind is logged in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/**
 * Bounds what happens on a connection before MQTT: the handshake of TLS, the header of a proxy, the upgrade to WebSocket. A connection
 * whose handshake ends without success is destroyed and counted.
 */
export class Handshakes {
  #state: HandshakesState = {
    counters: {
      underWay: 0,
      completed: 0,
      refused: 0,
      failed: { deadline: 0, closed: 0, protocol: 0, certificate: 0 },
    },
    underWay: new Set(),
    bySource: new Map(),
  }
  #bounds: HandshakeBounds
  readonly #log: Logger
  readonly #refusalLog = new LogInterval(LOG_INTERVAL_MS)
  readonly #failureLog = new LogInterval(LOG_INTERVAL_MS)

  /** @param log that of the component. */
  constructor(bounds: HandshakeBounds, log: Logger) {
    this.#bounds = bounds
    this.#log = log
  }

  get counters(): HandshakeCounters {
    return this.#state.counters
  }

  handOver(): HandshakesState {
    return this.#state
  }

  /** Continues for another object, before any handshake has begun here. Those that have begun there end there. */
  continueFrom(state: HandshakesState): void {
    this.#state = state
  }

  /** Changes the bounds, for handshakes that begin from now on. */
  configure(bounds: HandshakeBounds): void {
    this.#bounds = bounds
  }

  /**
   * Begins a handshake, and its deadline. It fails by itself when the stream is closed. If there are too many, the address that has most
   * of them gives one up: no single address keeps all others out.
   * @param stream destroyed when the handshake fails. Errors of the stream are handled here until its end.
   * @returns undefined if there are too many: the stream is destroyed then, and the refusal is counted and logged.
   */
  begin(stream: Duplex, peer: Peer): Handshake | undefined {
    stream.on('error', () => undefined)
    const { maximumHandshakes, handshakeDeadlineMs } = this.#bounds
    const source = addressKey(peer.address)
    if (this.#state.underWay.size >= maximumHandshakes && !this.#makeRoom(source)) {
      stream.destroy()
      this.#refused(peer)
      return undefined
    }
    const handshake = new Handshake(stream, peer, source, handshakeDeadlineMs, (ended, outcome, detail) =>
      this.#ended(ended, outcome, detail),
    )
    this.#state.underWay.add(handshake)
    const own = this.#state.bySource.get(source)
    if (own === undefined) this.#state.bySource.set(source, new Set([handshake]))
    else own.add(handshake)
    this.counters.underWay = this.#state.underWay.size
    return handshake
  }

  /** Ends all handshakes under way, and destroys their streams. They are not counted as failures. */
  stop(): void {
    for (const handshake of this.#state.underWay) handshake.abandon()
  }

  /** Gives up the oldest handshake of the address that has most, if those are more than `source` would have. */
  #makeRoom(source: string): boolean {
    let most: ReadonlySet<Handshake> | undefined
    let length = (this.#state.bySource.get(source)?.size ?? 0) + 1
    for (const each of this.#state.bySource.values()) {
      if (each.size <= length) continue
      most = each
      length = each.size
    }
    const oldest = most?.values().next().value
    if (oldest === undefined) return false
    const { peer } = oldest
    oldest.abandon()
    this.#refused(peer)
    return true
  }

  #ended(handshake: Handshake, outcome: Outcome, detail: string): void {
    this.#state.underWay.delete(handshake)
    const own = this.#state.bySource.get(handshake.source)
    own?.delete(handshake)
    if (own?.size === 0) this.#state.bySource.delete(handshake.source)
    this.counters.underWay = this.#state.underWay.size
    if (outcome === 'success') this.counters.completed += 1
    else if (outcome !== 'abandoned') this.#noteFailure(handshake, outcome, detail)
  }

  #noteFailure(handshake: Handshake, failure: HandshakeFailure, detail: string): void {
    this.counters.failed[failure] += 1
    // Port scanners and health checks close connections early. That is not logged.
    const level = failure === 'closed' ? 'debug' : 'warn'
    if (level === 'warn' && !this.#failureLog.begin()) return
    const remote = describePeer(handshake.peer)
    this.#log[level](
      { remote, failure, failed: { ...this.counters.failed } },
      `Handshake with ${remote} failed: ${detail}`,
    )
  }

  #refused(peer: Peer): void {
    this.counters.refused += 1
    if (!this.#refusalLog.begin()) return
    const remote = describePeer(peer)
    const { refused } = this.counters
    this.#log.warn(
      { remote, refused, maximumHandshakes: this.#bounds.maximumHandshakes },
      `Connections refused before the end of their handshake, the last one from ${remote}: as many handshakes are under way as ` +
        'maximumHandshakes allows',
    )
  }
}

type Outcome = HandshakeFailure | 'success' | 'abandoned'

type Ended = (handshake: Handshake, outcome: Outcome, detail: string) => void

/** The handshake of one connection. */
export class Handshake {
  readonly stream: Duplex
  /** The peer as it is known so far. A header of a proxy replaces it. */
  peer: Peer
  /** Where the connection itself comes from: the `addressKey` of its first peer. */
  readonly source: string
  readonly #ended: Ended
  readonly #deadline: NodeJS.Timeout
  #isOver = false

  constructor(stream: Duplex, peer: Peer, source: string, deadlineMs: number, ended: Ended) {
    this.stream = stream
    this.peer = peer
    this.source = source
    this.#ended = ended
    this.#deadline = setTimeout(() => this.fail('deadline', `it was not finished after ${deadlineMs} ms`), deadlineMs)
    stream.once('close', this.#closed)
  }

  /** It has failed, was abandoned, or has succeeded. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends it with success. @returns false if it was over already: then the stream is, too. */
  succeed(): boolean {
    return this.#end('success', '')
  }

  /** Ends it without success, and destroys the stream. Does nothing if it is over. @param detail for the log. */
  fail(failure: HandshakeFailure, detail: string): void {
    if (this.#end(failure, detail)) this.stream.destroy()
  }

  /** Ends it without a verdict, and destroys the stream. */
  abandon(): void {
    if (this.#end('abandoned', '')) this.stream.destroy()
  }

  readonly #closed = (): void => this.fail('closed', 'the peer closed the connection')

  #end(outcome: Outcome, detail: string): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#deadline)
    this.stream.removeListener('close', this.#closed)
    this.#ended(this, outcome, detail)
    return true
  }
}
