import type { Logger } from '../../kinds/logger.ts'

/** A day, in milliseconds. */
export const DAY_MS = 86_400_000

/** Days before the expiry at which a line is logged; 0 is the expiry itself. */
const WARNING_DAYS = [0, 1, 7, 30]

/** The interval at which the dates are checked, in milliseconds. */
const INTERVAL_MS = 3_600_000

/** Something with an end. */
export interface Expiring {
  /** The subject of the line: `Certificate server.pem`. */
  readonly what: string
  readonly expiresAtMs: number
  /** A sentence: what happens then, and what to do. */
  readonly consequence: string
}

/** Warns 30, 7 and 1 days before a certificate expires, and when it has expired: each once. */
export class ExpiryWatch {
  readonly #log: Logger
  readonly #timer: NodeJS.Timeout
  #watched: readonly Expiring[] = []
  /** The warning that was given last, by what expires and when. */
  #warned = new Map<string, number>()

  constructor(log: Logger) {
    this.#log = log
    // The timer holds no reference: dates alone are no reason to keep a process running.
    this.#timer = setInterval(() => this.check(), INTERVAL_MS).unref()
  }

  /** Watches these instead of what was watched before, and looks at them now. */
  watch(expiring: readonly Expiring[]): void {
    const known = this.#warned
    this.#warned = new Map()
    for (const key of expiring.map(keyOf)) if (known.has(key)) this.#warned.set(key, known.get(key)!)
    this.#watched = expiring
    this.check()
  }

  /** Logs what is due. @param nowMs the time now. */
  check(nowMs: number = Date.now()): void {
    for (const expiring of this.#watched) {
      const { what, expiresAtMs, consequence } = expiring
      const days = (expiresAtMs - nowMs) / DAY_MS
      const due = WARNING_DAYS.find((limit) => days <= limit)
      if (due === undefined || due >= (this.#warned.get(keyOf(expiring)) ?? Number.POSITIVE_INFINITY)) continue
      this.#warned.set(keyOf(expiring), due)
      const expires = new Date(expiresAtMs).toISOString()
      const whole = Math.floor(days)
      const event =
        due === 0 ? `expired on ${expires}` : `expires in ${whole} ${whole === 1 ? 'day' : 'days'}, on ${expires}`
      this.#log[due <= 1 ? 'error' : 'warn']({ expires, days: whole }, `${what} ${event}. ${consequence}`)
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

const keyOf = ({ what, expiresAtMs }: Expiring): string => `${what} ${expiresAtMs}`
