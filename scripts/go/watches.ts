/** The filters that the prompt watches: messages are printed as they are published. */

import type { Broker } from '../../src/kinds/broker.ts'
import { messageText, type PrintedMessage } from './broker-texts.ts'
import { counted } from './quantities.ts'

/** Messages that are printed in one interval; the others are counted. */
const mostMessages = 50
const intervalMs = 1000

export interface WatchOptions {
  readonly print: (text: string) => void
  readonly colors: () => boolean
}

export class Watches {
  readonly #print: (text: string) => void
  readonly #colors: () => boolean
  /** By filter; undefined for one that no broker serves at the moment. */
  readonly #ends = new Map<string, (() => void) | undefined>()
  #printed = 0
  #missed = 0
  #interval: NodeJS.Timeout | undefined

  constructor({ print, colors }: WatchOptions) {
    this.#print = print
    this.#colors = colors
  }

  /** The filters that are watched. */
  get filters(): readonly string[] {
    return [...this.#ends.keys()]
  }

  /** Begins to print what a filter matches. @throws what the broker throws for one that is not valid; nothing is watched then. */
  begin(broker: Broker, filter: string): void {
    const end = broker.subscribe(filter, (message) => this.#show(message))
    this.#ends.get(filter)?.()
    this.#ends.set(filter, end)
  }

  /** Goes on with another broker after a reset; the one before is gone. Without one the filters are kept for the next. */
  renew(broker: Broker | undefined): void {
    for (const filter of this.filters) {
      this.#ends.set(filter, undefined)
      if (broker !== undefined) this.begin(broker, filter)
    }
  }

  /** Ends all watches. @returns their filters. */
  end(): readonly string[] {
    const { filters } = this
    for (const end of this.#ends.values()) end?.()
    this.#ends.clear()
    this.#closeInterval()
    return filters
  }

  #show(message: PrintedMessage): void {
    this.#interval ??= setTimeout(() => this.#closeInterval(), intervalMs).unref()
    if (this.#printed >= mostMessages) {
      this.#missed += 1
      return
    }
    this.#printed += 1
    this.#print(messageText(message, this.#colors()))
  }

  #closeInterval(): void {
    clearTimeout(this.#interval)
    this.#interval = undefined
    if (this.#missed > 0) this.#print(`... and ${counted(this.#missed, 'message')} more in this second, not printed`)
    this.#printed = 0
    this.#missed = 0
  }
}
