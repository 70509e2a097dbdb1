import type { ClientFinish, ClientListener, ClientStart, ClientSummary } from '../../src/kinds/client-listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { shortenText } from '../../src/mqtt/shorten-text.ts'

/** Passes the events of clients to all listeners, in the order in which they were added. */
export class ClientListeners implements Required<ClientListener> {
  readonly #log: Logger
  /** A new list for each change: a listener may end itself, or add another one, while the list is walked. */
  #held: HeldListeners = { listeners: [] }

  constructor(log: Logger) {
    this.#log = log
  }

  /** Those of the predecessor, at a reset. They end themselves there as here. */
  takeOver(held: HeldListeners): void {
    this.#held = held
  }

  /** For a successor: the same list. */
  handOver(): HeldListeners {
    return this.#held
  }

  /** This object while there are listeners; without any, no event needs to be described. */
  get whenWatched(): Required<ClientListener> | undefined {
    return this.#held.listeners.length === 0 ? undefined : this
  }

  /** @returns removes the listener. */
  add(listener: ClientListener): () => void {
    // An object of its own: the same listener may be added twice.
    const added: ClientListener = {
      connected: (client, start) => listener.connected?.(client, start),
      disconnected: (client, finish) => listener.disconnected?.(client, finish),
    }
    const held = this.#held
    held.listeners = [...held.listeners, added]
    return () => {
      held.listeners = held.listeners.filter((other) => other !== added)
    }
  }

  connected(client: ClientSummary, start: ClientStart): void {
    for (const listener of this.#held.listeners)
      this.#call(client, 'connect', () => listener.connected?.(client, start))
  }

  disconnected(client: ClientSummary, finish: ClientFinish): void {
    for (const listener of this.#held.listeners) {
      this.#call(client, 'disconnect', () => listener.disconnected?.(client, finish))
    }
  }

  /** An error of a listener must not affect the client or the other listeners. */
  #call({ id }: ClientSummary, event: string, call: () => unknown): void {
    const failed = (error: unknown): void =>
      this.#log.error({ err: error, client: shortenText(id), event }, 'A listener of clients failed')
    try {
      const answer = call()
      // One that takes its time is not waited for. What it rejects with would end the process.
      if (answer instanceof Promise) answer.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

/** A list that two generations of the code share at a reset. */
export interface HeldListeners {
  listeners: readonly ClientListener[]
}
