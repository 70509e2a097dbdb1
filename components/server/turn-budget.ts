import { Fifo } from '../../src/collections/fifo.ts'
import { LogInterval } from '../../src/collections/log-interval.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { EndOfTurn, TurnEnd } from './end-of-turn.ts'

/**
 * Units of work that each connection may cause in a turn, even if the budget of the turn is used up: some small packets. So a
 * client that sends little is served in the turn in which its bytes arrive, even if many others wait.
 */
export const MINIMUM_SHARE = 250

/** What a unit is meant to cost, in milliseconds. */
const UNIT_MS = 0.0002

/** A turn never has less than this part of the units that are configured, however slow the machine is. */
const LEAST_PART = 1 / 16

/** A measurement of a smaller part of the units of a turn says little. */
const MEASURED_PART = 1 / 4

/** At most one line is logged in this time, in milliseconds. */
const LOG_INTERVAL_MS = 60_000

export interface BudgetRecord {
  readonly allowance: number
  readonly crowdedTurns: number
}

/** Something that waits for its share of a later turn. */
export interface TurnWaiter {
  /** Goes on. Must not throw. @param share units of work that it may cause in this turn. */
  takeTurn(share: number): void
}

/**
 * The work that the packets of all connections may cause in one turn of the event loop, in units of about 0.2 µs.
 *
 * A connection that has used its share stops, and waits in one queue with all others. At the end of the turn the queue is
 * served, first in, first out, until the budget of the new turn is used up. What is left of the queue waits for the next turn.
 * So the length of a turn depends on the budget, and not on the number of connections that have work to do.
 *
 * What a unit costs differs: a process that has just started has no compiled code yet, and some machines are slow. So the time
 * for which the queue is served is measured. When a turn took too long the next ones have fewer units, and more again, twice as
 * many in each turn, as soon as there is time.
 */
export class TurnBudget implements TurnEnd {
  #units: number
  /** Units for each turn now. */
  #allowance: number
  readonly #nowMs: () => number
  readonly #endOfTurn: EndOfTurn
  readonly #log: Logger
  readonly #waiting = new Fifo<TurnWaiter>()
  #awaitsEndOfTurn = false
  /** The turn of `#left`, and the units that are left of it: negative after a packet that caused more. */
  #turn = 0
  #left: number
  #crowdedTurns = 0
  readonly #logInterval = new LogInterval(LOG_INTERVAL_MS)

  /**
   * @param units for each turn, at most.
   * @param firstUnits for the first turns, until the time that they take was measured.
   * @param nowMs a clock.
   */
  constructor(units: number, endOfTurn: EndOfTurn, log: Logger, firstUnits = units, nowMs = () => performance.now()) {
    this.#units = units
    this.#allowance = firstUnits
    this.#nowMs = nowMs
    this.#left = firstUnits
    this.#endOfTurn = endOfTurn
    this.#log = log
  }

  handOver(): BudgetRecord {
    return { allowance: this.#allowance, crowdedTurns: this.#crowdedTurns }
  }

  /** Continues for another object. What waits there waits here when it is queued. */
  continueFrom({ allowance, crowdedTurns }: BudgetRecord): void {
    this.#allowance = Math.min(allowance, this.#units)
    this.#left = this.#allowance
    this.#crowdedTurns = crowdedTurns
  }

  /** Units for each turn, at most. More of them than before are given as fast as turns prove short enough. */
  get units(): number {
    return this.#units
  }

  set units(units: number) {
    this.#units = units
    this.#allowance = Math.min(this.#allowance, units)
  }

  /** The number of the present turn. */
  get turn(): number {
    return this.#endOfTurn.turn
  }

  /** How many wait for a later turn. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Turns that ended before all that waited had been served, since the start. */
  get crowdedTurns(): number {
    return this.#crowdedTurns
  }

  /** Takes units from the budget of this turn. @returns whether some are left. */
  spend(units: number): boolean {
    if (this.#turn !== this.#endOfTurn.turn) {
      this.#turn = this.#endOfTurn.turn
      this.#left = this.#allowance
    }
    this.#left -= units
    return this.#left > 0
  }

  /** Queues the waiter: its `takeTurn` is called once, at the end of this turn or of a later one. */
  wait(waiter: TurnWaiter): void {
    this.#waiting.push(waiter)
    this.#await()
  }

  endTurn(): void {
    this.#awaitsEndOfTurn = false
    const count = this.#waiting.length
    const startMs = this.#nowMs()
    // This begins the turn.
    let isLeft = this.spend(0)
    const unitsBefore = this.#left
    const share = Math.max(MINIMUM_SHARE, Math.floor(this.#allowance / count))
    // Those that have to wait again are queued behind the others, and are not served twice in a turn.
    for (let served = 0; served < count && isLeft; served += 1) {
      this.#waiting.shift()!.takeTurn(share)
      isLeft = this.spend(0)
    }
    this.#adapt(unitsBefore - this.#left, this.#nowMs() - startMs)
    if (this.#waiting.length === 0) return
    this.#await()
    if (!isLeft) this.#noteCrowd()
  }

  /** Chooses the units of the next turns so that each takes the time that is meant. */
  #adapt(units: number, tookMs: number): void {
    if (units < this.#allowance * MEASURED_PART) return
    const affordable = (this.#units * UNIT_MS * units) / Math.max(tookMs, Number.EPSILON)
    const most = Math.min(this.#units, 2 * this.#allowance)
    this.#allowance = Math.max(this.#units * LEAST_PART, Math.min(most, Math.floor(affordable)))
  }

  #await(): void {
    if (this.#awaitsEndOfTurn) return
    this.#awaitsEndOfTurn = true
    this.#endOfTurn.addReader(this)
  }

  #noteCrowd(): void {
    this.#crowdedTurns += 1
    if (!this.#logInterval.begin()) return
    const details = { waiting: this.#waiting.length, turns: this.#crowdedTurns, turnWorkUnits: this.#units }
    this.#log.info(details, 'Clients sent more than the broker can handle at once: they are read in turn')
  }
}
