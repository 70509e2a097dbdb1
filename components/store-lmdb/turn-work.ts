/** Bounds the work of one turn of the event loop. */
export class TurnWork {
  readonly #units: number
  #left: number

  /** @param units of a turn, of about 0.2 µs. */
  constructor(units: number) {
    this.#units = units
    this.#left = units
  }

  /** The units of the turn are used up. */
  get isOver(): boolean {
    return this.#left <= 0
  }

  spend(units: number): void {
    this.#left -= units
  }

  /** A turn begins. */
  begin(): void {
    this.#left = this.#units
  }
}
