import type { Logger } from '../../src/kinds/logger.ts'
import type { StorePressure } from '../../src/kinds/store.ts'
import type { BrokerCounters } from './counters.ts'

/** A change is logged once in this time: a store may go back and forth. Further ones are only counted. */
const SILENCE_MS = 60_000

/** The parts of the broker that the watch uses. */
export interface StorePressureContext {
  readonly journal: { readonly pressure: StorePressure }
  readonly counters: BrokerCounters
  readonly log: Logger
  /** Sessions with something that waits for the store. */
  readonly awaiting: number
}

/** Counts and logs when the store does not keep pace, and when it cannot write. */
export class StorePressureWatch {
  readonly #broker: StorePressureContext
  #last: StorePressure = 'none'
  #sinceMs = 0
  /** When a line about each state was logged. */
  readonly #loggedMs = { slow: Number.NEGATIVE_INFINITY, stuck: Number.NEGATIVE_INFINITY }
  /** Whether the beginning of the present state was logged, so that its end is logged too. */
  #isLogged = false

  constructor(broker: StorePressureContext) {
    this.#broker = broker
  }

  /** For a successor. */
  handOver(): PressureState {
    return { last: this.#last, sinceMs: this.#sinceMs, loggedMs: { ...this.#loggedMs }, isLogged: this.#isLogged }
  }

  /** At a reset. */
  takeOver({ last, sinceMs, loggedMs, isLogged }: PressureState): void {
    this.#last = last
    this.#sinceMs = sinceMs
    Object.assign(this.#loggedMs, loggedMs)
    this.#isLogged = isLogged
  }

  /** The pressure may have changed. @param nowMs on a clock that never steps back. */
  update(nowMs: number): void {
    const { pressure } = this.#broker.journal
    if (pressure === this.#last) return
    const before = this.#last
    this.#last = pressure
    if (before !== 'none') this.#ends(before, nowMs)
    if (pressure !== 'none') this.#begins(pressure, nowMs)
  }

  #begins(pressure: 'slow' | 'stuck', nowMs: number): void {
    const { awaiting, counters, log } = this.#broker
    this.#sinceMs = nowMs
    if (pressure === 'slow') counters.storeSlow += 1
    else counters.storeStuck += 1
    this.#isLogged = nowMs - this.#loggedMs[pressure] >= SILENCE_MS
    if (!this.#isLogged) return
    this.#loggedMs[pressure] = nowMs
    log.warn({ pressure, waiting: awaiting }, `${BEGINS[pressure]} (${awaiting} sessions wait)`)
  }

  #ends(before: 'slow' | 'stuck', nowMs: number): void {
    if (!this.#isLogged) return
    const { counters, log } = this.#broker
    const seconds = Math.round((nowMs - this.#sinceMs) / 1000)
    const times = before === 'slow' ? counters.storeSlow : counters.storeStuck
    log.warn({ pressure: this.#last, was: before, seconds, times }, `${ENDS[before]} after ${seconds} s`)
  }
}

const BEGINS = {
  slow: 'Store does not keep pace: clients whose answers wait for it are not read',
  stuck:
    'Store cannot write: it tries again. MQTT 5 clients get Quota exceeded (0x97) for messages at QoS 1 and 2, for ' +
    'subscriptions of stored sessions and for new stored sessions; other clients wait',
} as const

const ENDS = { slow: 'Store was slow, and keeps pace again', stuck: 'Store could not write, and goes on' } as const

export interface PressureState {
  readonly last: StorePressure
  readonly sinceMs: number
  readonly loggedMs: { readonly slow: number; readonly stuck: number }
  readonly isLogged: boolean
}
