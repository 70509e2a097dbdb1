import type { Duplex } from 'node:stream'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer, type Peer } from '../../src/kinds/peer.ts'
import { AddressList } from '../../src/network/address-list.ts'
import type { Handshake } from '../../src/network/handshakes.ts'
import type { WebSocketConfig } from './config.ts'
import { forwardedAddress } from './forwarded.ts'
import type { HttpRequest } from './http-request.ts'
import { PendingRequest, type RequestUser } from './pending-request.ts'
import {
  checkUpgrade,
  plainAnswer,
  type RefusedRequest,
  switchingProtocols,
  type UpgradeRule,
} from './upgrade-request.ts'

/** Requests that were refused, by the reason, since the start. */
export interface RequestCounters {
  path: number
  request: number
  origin: number
  subprotocol: number
  /** No HTTP, or headers that are too large. */
  malformed: number
}

/** Takes the connections that have become a WebSocket. */
export interface UpgradeUser {
  /** Whether a client behind a proxy is allowed. Called before the answer. */
  mayUpgrade(peer: Peer): boolean
  /** @param head the first bytes of the WebSocket, which came with the request. */
  upgraded(socket: Duplex, head: Buffer, peer: Peer): void
}

/** At most one line about refused requests is logged in this time, in milliseconds. */
const LOG_INTERVAL_MS = 10_000

/** Reads the HTTP request of each connection. All other requests than those for the WebSocket get a short answer. */
export class Upgrades implements RequestUser {
  refused: RequestCounters = { path: 0, request: 0, origin: 0, subprotocol: 0, malformed: 0 }
  #maximumBytes!: number
  #rule!: UpgradeRule
  #proxies!: AddressList
  readonly #isSecure: boolean
  readonly #user: UpgradeUser
  readonly #log: Logger
  readonly #logInterval = new LogInterval(LOG_INTERVAL_MS)

  constructor(config: WebSocketConfig, isSecure: boolean, user: UpgradeUser, log: Logger) {
    this.#isSecure = isSecure
    this.#user = user
    this.#log = log
    this.configure(config)
  }

  /** Takes over another config, for requests that come from now on. */
  configure({ path, origins, trustedProxies, maximumHeaderBytes }: WebSocketConfig): void {
    this.#rule = { path, origins: origins?.map((origin) => origin.toLowerCase()), isSecure: this.#isSecure }
    this.#proxies = new AddressList(trustedProxies)
    this.#maximumBytes = maximumHeaderBytes
  }

  /** Whether the address is that of a trusted proxy. Then the client is not known before the request. */
  isProxy(address: string): boolean {
    return this.#proxies.has(address)
  }

  /** Reads the request. @param handshake whose stream the request comes from. */
  read(handshake: Handshake): void {
    new PendingRequest(handshake, this.#maximumBytes, this)
  }

  requested(handshake: Handshake, request: HttpRequest, rest: Buffer): void {
    const checked = checkUpgrade(request, this.#rule)
    if (checked.refusal !== undefined) {
      this.#refuse(handshake, checked)
      return
    }
    const direct = handshake.peer.address
    if (!this.#readForwarded(handshake, request)) return
    // The address of a proxy was not asked about before.
    if (this.isProxy(direct) && !this.#user.mayUpgrade(handshake.peer)) {
      handshake.abandon()
      return
    }
    handshake.stream.write(switchingProtocols(checked))
    if (handshake.succeed()) this.#user.upgraded(handshake.stream, rest, handshake.peer)
  }

  /** @returns false if the request was refused. */
  #readForwarded(handshake: Handshake, { headers }: HttpRequest): boolean {
    const header = headers.get('x-forwarded-for')
    if (header === undefined || !this.isProxy(handshake.peer.address)) return true
    const address = forwardedAddress(header, this.#proxies)
    if (address === undefined) {
      this.#refuse(handshake, { refusal: 'request', status: 400, message: 'The header X-Forwarded-For is invalid.' })
      return false
    }
    // A certificate on this connection is that of the proxy, and proves nothing about its clients.
    const { tls: _, ...peer } = handshake.peer
    handshake.peer = { ...peer, address, port: 0, proxied: true }
    return true
  }

  malformed(handshake: Handshake, status: 400 | 431, message: string): void {
    this.refused.malformed += 1
    this.#finish(handshake, plainAnswer({ status, message }), message)
  }

  #refuse(handshake: Handshake, refused: RefusedRequest): void {
    this.refused[refused.refusal] += 1
    if (this.#logInterval.begin()) {
      const remote = describePeer(handshake.peer)
      const { refusal, message } = refused
      this.#log.warn({ remote, refusal, refused: { ...this.refused } }, `Request from ${remote} refused: ${message}`)
    }
    this.#finish(handshake, plainAnswer(refused), refused.message)
  }

  /** Sends the last answer. What the peer still sends is discarded until it closes its side, or until the deadline. */
  #finish(handshake: Handshake, answer: string, message: string): void {
    const { stream } = handshake
    stream.end(answer)
    stream.on('data', () => undefined)
    stream.on('end', () => handshake.fail('protocol', message))
    stream.resume()
  }
}
