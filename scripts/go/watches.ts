/** The filters that the prompt watches: messages are printed as they are published. */

import type { Broker } from '../../src/kinds/broker.ts'
import { messageText, type PrintedMessage } from './broker-texts.ts'
import { LimitedPrinter } from './limited-printer.ts'

export interface WatchOptions {
  readonly print: (text: string) => void
  readonly colors: () => boolean
}

export class Watches {
  readonly #printer: LimitedPrinter
  readonly #colors: () => boolean
  /** The subscriptions by filter; undefined while there is no broker. */
  readonly #ends = new Map<string, (() => void) | undefined>()

  constructor({ print, colors }: WatchOptions) {
    this.#printer = new LimitedPrinter(print, 'message')
    this.#colors = colors
  }

  /** The filters that are watched. */
  get filters(): readonly string[] {
    return [...this.#ends.keys()]
  }

  /**
   * Starts to print messages that a filter matches. @throws the broker's error if the filter is invalid. It is not watched
   * then.
   */
  begin(broker: Broker, filter: string): void {
    const end = broker.subscribe(filter, (message) => this.#show(message))
    this.#ends.get(filter)?.()
    this.#ends.set(filter, end)
  }

  /**
   * Continues with the new broker after a reset. Without a broker the filters are kept for the next one. The subscriptions are ended first:
   * a broker that was swapped may have taken them over.
   */
  renew(broker: Broker | undefined): void {
    for (const filter of this.filters) {
      this.#ends.get(filter)?.()
      this.#ends.set(filter, undefined)
      if (broker !== undefined) this.begin(broker, filter)
    }
  }

  /** Ends all watches. @returns their filters. */
  end(): readonly string[] {
    const { filters } = this
    for (const end of this.#ends.values()) end?.()
    this.#ends.clear()
    this.#printer.end()
    return filters
  }

  #show(message: PrintedMessage): void {
    this.#printer.print(() => messageText(message, this.#colors()))
  }
}
