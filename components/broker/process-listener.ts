import type { Logger } from '../../src/kinds/logger.ts'
import type { Subscriber } from '../../src/kinds/router.ts'
import type { Message } from '../../src/mqtt/message.ts'

/** A function of this process that is called with messages: a subscriber at QoS 0 that always has room. */
export class ProcessListener implements Subscriber {
  readonly id: string
  readonly connected = true
  readonly unacknowledged = 0
  readonly #listener: (message: Message) => unknown
  readonly #log: Logger

  /** @param id for the log; no Client Identifier. */
  constructor(id: string, listener: (message: Message) => unknown, log: Logger) {
    this.id = id
    this.#listener = listener
    this.#log = log
  }

  takes(): boolean {
    return true
  }

  /** An error of the listener must not affect the publisher. */
  deliver(message: Message): number {
    try {
      const kept = message.keep()
      const answer = this.#listener(kept)
      // One that takes its time is not waited for. What it rejects with would end the process.
      if (answer instanceof Promise) answer.catch((error: unknown) => this.#failed(error, kept))
    } catch (error) {
      this.#failed(error, message)
    }
    return 1
  }

  #failed(error: unknown, { topic }: Message): void {
    this.#log.error({ err: error, listener: this.id, topic }, 'A listener failed')
  }
}
