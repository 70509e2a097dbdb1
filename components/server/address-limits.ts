import { LogInterval } from '../../src/collections/log-interval.ts'
import type { TokenBucketRecord } from '../../src/collections/token-bucket.ts'
import type { Ban, ConnectionCounters } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { describePeer, type Peer } from '../../src/kinds/peer.ts'
import { addressKey } from '../../src/network/address-key.ts'
import { AddressList } from '../../src/network/address-list.ts'
import { type AddressRateLimits, AddressRates } from '../../src/network/address-rates.ts'
import { Bans, type banHandover } from './bans.ts'
import type { ServerConfig } from './config.ts'
import { AuthenticationFailures, type Failures } from './failures.ts'
import type { RefusalReason } from './refusals.ts'

/** At most one line about automatic bans is logged in this time, in milliseconds. */
const BAN_LOG_INTERVAL_MS = 1_000

/** The share of `maximumConnections` that one address may have by default. */
const ADDRESS_SHARE = 0.5

/** What is remembered of addresses. The open connections are counted anew. */
export interface AddressRecord {
  readonly rates: readonly (readonly [string, TokenBucketRecord])[]
  readonly failures: readonly (readonly [string, Readonly<Failures>])[]
  readonly bans: ReturnType<typeof banHandover.parse>['bans']
}

/**
 * The limits of each address that connects: open connections, new connections in a second, and bans after failed authentications. A peer
 * without an address, as on a Unix socket, and one in `unlimitedAddresses` has no limits. If a trusted proxy told the address, it is
 * that of the client.
 */
export class AddressLimits {
  /** The most connections that an address may have. */
  maximumConnections: number
  #unlimited: AddressList
  /** Open connections by `addressKey`, of addresses that have some. */
  readonly #open = new Map<string, number>()
  readonly #rates: AddressRates
  readonly #failures: AuthenticationFailures
  readonly #bans: Bans
  readonly #counters: ConnectionCounters
  readonly #log: Logger
  readonly #nowMs: () => number
  readonly #logInterval = new LogInterval(BAN_LOG_INTERVAL_MS)

  /** @param suspended the bans of the predecessor. @param nowMs milliseconds since 1970, on a clock that never steps back. */
  constructor(
    config: ServerConfig,
    counters: ConnectionCounters,
    log: Logger,
    suspended: ReturnType<typeof banHandover.parse>['bans'] = [],
    nowMs: () => number = () => performance.timeOrigin + performance.now(),
  ) {
    this.maximumConnections = connectionsOfOne(config)
    this.#unlimited = new AddressList(config.unlimitedAddresses)
    this.#rates = new AddressRates(ratesOf(config))
    this.#failures = new AuthenticationFailures(config)
    this.#bans = new Bans(config, suspended)
    this.#counters = counters
    this.#log = log
    this.#nowMs = nowMs
  }

  /** Takes over the values of another config. What is counted and banned stays. */
  configure(config: ServerConfig): void {
    this.maximumConnections = connectionsOfOne(config)
    this.#unlimited = new AddressList(config.unlimitedAddresses)
    this.#rates.configure(ratesOf(config))
    this.#failures.configure(config)
    this.#bans.configure(config)
  }

  /** The name under which the connections of a peer are counted; empty for a peer without limits. */
  keyOf({ address }: Peer): string {
    return address === '' || this.#unlimited.has(address) ? '' : addressKey(address)
  }

  /** Counts a new connection. @param key that of the peer, by `keyOf`. @returns why it is refused; undefined if it is allowed. */
  refusal(peer: Peer, key: string): RefusalReason | undefined {
    const nowMs = this.#nowMs()
    if (this.#isBanned(peer, key, nowMs)) return 'banned'
    return key === '' || this.#rates.take(key, nowMs) ? undefined : 'connectRate'
  }

  /** Whether connections from the address of this peer are refused because of a ban. */
  isBanned(peer: Peer): boolean {
    return !this.#bans.isEmpty && this.#isBanned(peer, this.keyOf(peer), this.#nowMs())
  }

  /** Whether the address has as many connections as it may. */
  isFull(key: string): boolean {
    return key !== '' && (this.#open.get(key) ?? 0) >= this.maximumConnections
  }

  /** A connection was opened. */
  opened(key: string): void {
    if (key !== '') this.#open.set(key, (this.#open.get(key) ?? 0) + 1)
  }

  /** A connection that was opened has ended. */
  ended(key: string): void {
    if (key === '') return
    const left = (this.#open.get(key) ?? 0) - 1
    if (left > 0) this.#open.set(key, left)
    else this.#open.delete(key)
  }

  /** A client on a connection from this peer failed to authenticate. */
  failedAuthentication(peer: Peer): void {
    this.#counters.failedAuthentications += 1
    const key = this.keyOf(peer)
    const nowMs = this.#nowMs()
    // Failures on connections that were open before the ban do not prolong it.
    if (key === '' || this.#bans.has(key, nowMs) || !this.#failures.add(key, nowMs)) return
    const seconds = this.#bans.add(key, nowMs)
    this.#counters.bans += 1
    if (!this.#logInterval.begin()) return
    const remote = describePeer(peer)
    this.#log.warn(
      { address: key, remote, seconds, bans: this.#counters.bans },
      `Address banned for ${seconds} s: ${key}: its clients failed to authenticate too often, the last one from ` +
        `${remote}. unban('${key}') ends the ban; an address in unlimitedAddresses is never banned`,
    )
  }

  /** Addresses with an open connection. */
  get connected(): number {
    return this.#open.size
  }

  get banCount(): number {
    return this.#bans.count(this.#nowMs())
  }

  /** As `Listener.bans`. */
  bans(): Ban[] {
    return this.#bans.list(this.#nowMs())
  }

  /** As `Listener.ban`. */
  ban(address: string, seconds: number): void {
    this.#bans.addByOperator(address, seconds, this.#nowMs())
    this.#log.info({ address, seconds }, `Address banned by an operator for ${seconds} s: ${address}`)
  }

  /** As `Listener.unban`. */
  unban(address: string): boolean {
    const wasBanned = this.#bans.remove(address, this.#nowMs())
    this.#failures.forgive(addressKey(address))
    if (wasBanned) this.#log.info({ address }, `Ban ended by an operator: ${address}`)
    return wasBanned
  }

  /** The state for a successor. */
  suspend(): ReturnType<typeof banHandover.parse> {
    return { bans: this.#bans.records(this.#nowMs()) }
  }

  handOver(): AddressRecord {
    return { rates: this.#rates.handOver(), failures: this.#failures.handOver(), bans: this.suspend().bans }
  }

  /** Continues for another object. */
  continueFrom({ rates, failures, bans }: AddressRecord): void {
    this.#rates.continueFrom(rates)
    this.#failures.continueFrom(failures)
    this.#bans.continueFrom(bans)
  }

  /** A ban by an operator is also for an address that has no limits. */
  #isBanned({ address }: Peer, key: string, nowMs: number): boolean {
    if (key !== '') return this.#bans.has(key, nowMs)
    return address !== '' && this.#bans.hasByOperator(addressKey(address), nowMs)
  }
}

const connectionsOfOne = ({ maximumConnectionsPerAddress, maximumConnections }: ServerConfig): number =>
  maximumConnectionsPerAddress ?? Math.ceil(maximumConnections * ADDRESS_SHARE)

const ratesOf = ({ connectRate, connectBurst, maximumTrackedAddresses }: ServerConfig): AddressRateLimits => ({
  rate: connectRate,
  burst: connectBurst,
  maximumAddresses: maximumTrackedAddresses,
})
