import { counted } from './quantities.ts'

/** The maximum number of lines that are printed in one interval. More are counted. */
const mostLines = 50
const intervalMs = 1000

/** Prints what happens as it happens, and no more than a terminal takes. */
export class LimitedPrinter {
  readonly #print: (text: string) => void
  readonly #noun: string
  #printed = 0
  #missed = 0
  #interval: NodeJS.Timeout | undefined

  /** @param noun what a line is: `message`. */
  constructor(print: (text: string) => void, noun: string) {
    this.#print = print
    this.#noun = noun
  }

  /** @param text called if the line is printed. */
  print(text: () => string): void {
    this.#interval ??= setTimeout(() => this.end(), intervalMs).unref()
    if (this.#printed >= mostLines) {
      this.#missed += 1
      return
    }
    this.#printed += 1
    this.#print(text())
  }

  /** Ends the interval, and says how many lines were not printed in it. */
  end(): void {
    clearTimeout(this.#interval)
    this.#interval = undefined
    if (this.#missed > 0) this.#print(`... and ${counted(this.#missed, this.#noun)} more in this second, not printed`)
    this.#printed = 0
    this.#missed = 0
  }
}
