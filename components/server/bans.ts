import { isIP } from 'node:net'
import { z } from 'zod'
import type { Ban } from '../../src/kinds/listener.ts'
import { addressKey } from '../../src/network/address-key.ts'
import { forgetFirst } from '../../src/network/address-rates.ts'

/** A ban as it is handed to the successor of a server: plain data, with times in milliseconds since 1970. */
const banRecord = z.object({
  address: z.string().min(1),
  untilMs: z.number(),
  seconds: z.number().positive(),
  byOperator: z.boolean(),
})

type BanRecord = Readonly<z.output<typeof banRecord>>

/** The part of the state of a suspended server that has its bans. */
export const banHandover = z.object({ bans: z.array(banRecord).default([]) })

/** The values of the config that these use. */
export interface BanLimits {
  /** The length of the first ban of an address. */
  readonly banSeconds: number
  /** The length of a ban is doubled with each further one, up to this. */
  readonly maximumBanSeconds: number
  /** Addresses that are remembered. */
  readonly maximumTrackedAddresses: number
}

/** A ban is never longer: an operator who wants no end gets ten years. */
const LONGEST_SECONDS = 10 * 365 * 86_400

/**
 * The addresses from which no connection is taken for some time. A ban that is over is remembered for `maximumBanSeconds` more: if the
 * address is banned again in that time, the next ban is twice as long. If there are too many, the oldest one ends. Bans by an operator
 * are kept apart, so that no number of attackers ends them.
 */
export class Bans {
  #limits: BanLimits
  readonly #automatic = new Map<string, BanRecord>()
  readonly #byOperator = new Map<string, BanRecord>()

  /** @param records those of the predecessor. */
  constructor(limits: BanLimits, records: readonly BanRecord[] = []) {
    this.#limits = limits
    this.continueFrom(records)
  }

  /** Takes over the bans of a predecessor. */
  continueFrom(records: readonly BanRecord[]): void {
    for (const record of records) (record.byOperator ? this.#byOperator : this.#automatic).set(record.address, record)
  }

  /** Whether connections from this address are refused. @param key its `addressKey`. */
  has(key: string, nowMs: number): boolean {
    if (this.isEmpty) return false
    return isActive(this.#automatic.get(key), nowMs) || isActive(this.#byOperator.get(key), nowMs)
  }

  /** Whether an operator has banned this address. */
  hasByOperator(key: string, nowMs: number): boolean {
    return this.#byOperator.size > 0 && isActive(this.#byOperator.get(key), nowMs)
  }

  /** Whether there is no ban, and no earlier ban is remembered. */
  get isEmpty(): boolean {
    return this.#automatic.size === 0 && this.#byOperator.size === 0
  }

  /** Bans an address after failed authentications. @returns the length of the ban, in seconds. */
  add(key: string, nowMs: number): number {
    const { banSeconds, maximumBanSeconds, maximumTrackedAddresses } = this.#limits
    this.#forgetOld(nowMs)
    const earlier = this.#automatic.get(key)
    const seconds = Math.min(maximumBanSeconds, earlier === undefined ? banSeconds : 2 * earlier.seconds)
    this.#automatic.delete(key)
    this.#automatic.set(key, { address: key, untilMs: nowMs + seconds * 1_000, seconds, byOperator: false })
    forgetFirst(this.#automatic, maximumTrackedAddresses)
    return seconds
  }

  /** Changes the limits. Bans keep their length. */
  configure(limits: BanLimits): void {
    this.#limits = limits
  }

  /** Bans an address for an operator. @throws RangeError or TypeError as `Listener.ban`. */
  addByOperator(address: string, seconds: number, nowMs: number): void {
    const key = keyOf(address)
    if (!(seconds > 0)) throw new RangeError(`A ban lasts more than 0 seconds, not ${seconds}.`)
    for (const ban of this.#byOperator.values()) if (!isActive(ban, nowMs)) this.#byOperator.delete(ban.address)
    if (this.#byOperator.size >= this.#limits.maximumTrackedAddresses && !this.#byOperator.has(key)) {
      throw new RangeError(
        `There are ${this.#byOperator.size} bans by operators, as many as maximumTrackedAddresses allows.`,
      )
    }
    const bounded = Math.min(seconds, LONGEST_SECONDS)
    this.#byOperator.set(key, { address: key, untilMs: nowMs + bounded * 1_000, seconds: bounded, byOperator: true })
  }

  /** Ends the bans of an address, and forgets earlier ones. @returns whether it was banned. @throws as `Listener.unban`. */
  remove(address: string, nowMs: number): boolean {
    const key = address.endsWith('/64') ? address : keyOf(address)
    const wasBanned = this.has(key, nowMs)
    this.#automatic.delete(key)
    this.#byOperator.delete(key)
    return wasBanned
  }

  /** How many there are now. */
  count(nowMs: number): number {
    let count = 0
    for (const ban of this.#all()) if (isActive(ban, nowMs)) count += 1
    return count
  }

  /** Those that are not over. */
  list(nowMs: number): Ban[] {
    return [...this.#all()]
      .filter((ban) => isActive(ban, nowMs))
      .map(({ address, untilMs, byOperator }) => ({ address, untilMs, byOperator }))
  }

  /** For the successor, also those that are over and remembered. */
  records(nowMs: number): BanRecord[] {
    this.#forgetOld(nowMs)
    return [...this.#all()]
  }

  *#all(): Iterable<BanRecord> {
    yield* this.#byOperator.values()
    yield* this.#automatic.values()
  }

  /** The oldest are at the beginning. A long ban stops the search; the size of the table is limited in any case. */
  #forgetOld(nowMs: number): void {
    const rememberedMs = this.#limits.maximumBanSeconds * 1_000
    for (const { address, untilMs } of this.#automatic.values()) {
      if (untilMs + rememberedMs > nowMs) return
      this.#automatic.delete(address)
    }
  }
}

const isActive = (ban: BanRecord | undefined, nowMs: number): boolean => ban !== undefined && ban.untilMs > nowMs

const keyOf = (address: string): string => {
  if (isIP(address) === 0)
    throw new TypeError(`A ban is for an address, such as 192.0.2.7 or 2001:db8::7, not ${address}.`)
  return addressKey(address)
}
