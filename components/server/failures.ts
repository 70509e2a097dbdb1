import { forgetFirst } from '../../src/network/address-rates.ts'

/** Failed authentications of an address, which are forgiven one after the other. */
export interface Failures {
  count: number
  atMs: number
}

/** The values of the config that these use. */
export interface FailureLimits {
  /** Failed authentications of one address that lead to a ban; null for none. */
  readonly banAfterFailures: number | null
  /** The time after which one failed authentication is forgiven. */
  readonly failureDecaySeconds: number
  /** Addresses that are remembered. */
  readonly maximumTrackedAddresses: number
}

/** Addresses that are checked with each failure, to forget those whose failures are all forgiven. */
const FORGOTTEN_AT_ONCE = 2

/** The failed authentications of each address. The address whose last failure is oldest is forgotten first. */
export class AuthenticationFailures {
  #limits: FailureLimits
  /** By `addressKey`, the one that failed last at the end. */
  readonly #byAddress = new Map<string, Failures>()

  constructor(limits: FailureLimits) {
    this.#limits = limits
  }

  /** Changes the limits. Failures are forgiven at the new pace from the last one on. */
  configure(limits: FailureLimits): void {
    this.#limits = limits
  }

  handOver(): (readonly [string, Readonly<Failures>])[] {
    return [...this.#byAddress]
  }

  /** Continues for another object. */
  continueFrom(failures: readonly (readonly [string, Readonly<Failures>])[]): void {
    for (const [key, { count, atMs }] of failures) this.#byAddress.set(key, { count, atMs })
  }

  /** Addresses that are remembered. */
  get tracked(): number {
    return this.#byAddress.size
  }

  /** Counts a failure. @returns whether there are as many now as lead to a ban. The address begins again with none then. */
  add(key: string, nowMs: number): boolean {
    const { banAfterFailures, maximumTrackedAddresses } = this.#limits
    if (banAfterFailures === null) return false
    this.#forgetForgiven(nowMs)
    const failures = this.#byAddress.get(key) ?? { count: 0, atMs: nowMs }
    this.#byAddress.delete(key)
    failures.count = this.#left(failures, nowMs) + 1
    failures.atMs = nowMs
    // A failure counts until it is forgiven altogether.
    if (failures.count > banAfterFailures - 1) return true
    this.#byAddress.set(key, failures)
    forgetFirst(this.#byAddress, maximumTrackedAddresses)
    return false
  }

  /** The failures of an address are forgiven. */
  forgive(key: string): void {
    this.#byAddress.delete(key)
  }

  #left({ count, atMs }: Failures, nowMs: number): number {
    return Math.max(0, count - Math.max(0, nowMs - atMs) / (this.#limits.failureDecaySeconds * 1_000))
  }

  #forgetForgiven(nowMs: number): void {
    let left = FORGOTTEN_AT_ONCE
    for (const [key, failures] of this.#byAddress) {
      if (left === 0 || this.#left(failures, nowMs) > 0) return
      this.#byAddress.delete(key)
      left -= 1
    }
  }
}
