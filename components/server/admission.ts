import type { Peer } from '../../src/kinds/peer.ts'
import type { ByteStream } from '../../src/kinds/transport.ts'
import type { CoreListener, FormerListener } from './core-listener.ts'
import type { Newcomer } from './newcomer.ts'
import type { RefusalReason } from './refusals.ts'
import type { TurnBudget, TurnWaiter } from './turn-budget.ts'

/** Units of work of a new connection: its socket, its pipeline, and the end of both. */
const OPEN_WORK = 300

/**
 * Turns of the event loop that a new connection waits for a place. The operating system reports new and closed connections in
 * any order, so a place may become free in this time.
 */
const PATIENCE_TURNS = 20

/** A connection that waits to be let in. */
export interface ArrivalRecord {
  readonly stream: ByteStream
  readonly peer: Peer
  readonly listener: FormerListener
  readonly addressKey: string
  /** How many turns it has waited. */
  readonly turns: number
}

/** The part of the server that takes new connections. */
export interface Places {
  /** False while another object lets connections in. */
  acts(): boolean
  /** Connections that may have a place or wait for one. */
  most(): number
  /** How many connections are open. */
  taken(): number
  /** Why there is no place for this newcomer now; undefined if there is one. */
  obstacle(newcomer: Newcomer): RefusalReason | undefined
  /** Gives a newcomer its pipeline. */
  open(newcomer: Newcomer): void
  /** A newcomer was closed because there was no place. */
  refused(newcomer: Newcomer, reason: RefusalReason): void
}

/**
 * Admits accepted connections in their order, within the work of each turn, while there are places. A waiting connection is not
 * read.
 */
export class Admission {
  readonly #places: Places
  readonly #budget: TurnBudget
  /** The connections that wait. A list, since a `Set` that is emptied repeatedly allocates each time. */
  readonly #arrivals: Arrival[] = []
  #lastNumber = 0

  constructor(places: Places, budget: TurnBudget) {
    this.#places = places
    this.#budget = budget
  }

  /** Admits a connection at the end of this turn or when there is a place. Refuses it if there is none for some turns. */
  accept(newcomer: Newcomer): void {
    if (this.#places.taken() + this.#arrivals.length >= this.#places.most()) {
      this.#refuse(newcomer, 'maximumConnections')
      return
    }
    this.continueFor(newcomer, 0)
  }

  /** A connection waits, which may have waited elsewhere. @param turns how many it has waited. */
  continueFor(newcomer: Newcomer, turns: number): void {
    this.#lastNumber += 1
    const arrival = new Arrival(newcomer, this, this.#lastNumber, turns)
    arrival.place = this.#arrivals.push(arrival) - 1
    this.#budget.wait(arrival)
  }

  /** The connections that wait, in the order in which they came. */
  handOver(): ArrivalRecord[] {
    return this.#arrivals
      .toSorted((one, other) => one.number - other.number)
      .map(({ newcomer, turns }) => ({ ...newcomer, turns }))
  }

  /** Takes back the connections of a listener that still wait, in the order in which they came. */
  takeAll(listener: CoreListener): Newcomer[] {
    const arrivals = this.#arrivals.filter(({ newcomer }) => newcomer.listener === listener)
    for (const arrival of arrivals) this.#remove(arrival)
    return arrivals.sort((one, other) => one.number - other.number).map(({ newcomer }) => newcomer)
  }

  /** Decides on an arrival, or lets it wait. @param turns how many turns it has waited. */
  decide(arrival: Arrival, turns: number): void {
    // It was withdrawn.
    if (arrival.place < 0 || !this.#places.acts()) return
    const { newcomer } = arrival
    const obstacle = this.#places.obstacle(newcomer)
    if (obstacle !== undefined && turns < PATIENCE_TURNS) {
      this.#budget.wait(arrival)
      return
    }
    this.#remove(arrival)
    if (obstacle === undefined) {
      this.#budget.spend(OPEN_WORK)
      this.#places.open(newcomer)
    } else this.#refuse(newcomer, obstacle)
  }

  #refuse(newcomer: Newcomer, reason: RefusalReason): void {
    newcomer.stream.destroy()
    this.#places.refused(newcomer, reason)
  }

  /** The last one of the list takes its place. */
  #remove(arrival: Arrival): void {
    const last = this.#arrivals.pop()!
    if (last !== arrival) {
      this.#arrivals[arrival.place] = last
      last.place = arrival.place
    }
    arrival.place = -1
  }
}

/** A connection that was accepted, and waits to be let in. */
class Arrival implements TurnWaiter {
  readonly newcomer: Newcomer
  /** The order in which they came. */
  readonly number: number
  /** Where it is in the list of those that wait; -1 when it does not wait any more. */
  place = -1
  readonly #admission: Admission
  /** How many it has waited. */
  turns: number

  constructor(newcomer: Newcomer, admission: Admission, number: number, turns: number) {
    this.newcomer = newcomer
    this.#admission = admission
    this.number = number
    this.turns = turns
  }

  takeTurn(): void {
    this.turns += 1
    this.#admission.decide(this, this.turns)
  }
}
