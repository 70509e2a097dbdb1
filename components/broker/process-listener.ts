import type { Logger } from '../../src/kinds/logger.ts'
import type { Subscriber } from '../../src/kinds/router.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishNotes } from './publish-notes.ts'

/** A function of this process that is called with messages: a subscriber at QoS 0 that always has room. */
export class ProcessListener implements Subscriber {
  readonly id: string
  readonly connected = true
  readonly unacknowledged = 0
  readonly #listener: (message: Message) => void
  readonly #log: Logger
  readonly #notes: PublishNotes

  /** @param id for the log; no Client Identifier. @param notes of the message that is being published. */
  constructor(id: string, listener: (message: Message) => void, log: Logger, notes: PublishNotes) {
    this.id = id
    this.#listener = listener
    this.#log = log
    this.#notes = notes
  }

  takes(): boolean {
    return true
  }

  /** What the listener throws must not disturb the publisher, and what it publishes is not what the publisher is answered. */
  deliver(message: Message): number {
    const notes = this.#notes
    const { isRefused } = notes
    try {
      this.#listener(message.keep())
    } catch (error) {
      this.#log.error({ err: error, listener: this.id, topic: message.topic }, 'A listener failed')
    } finally {
      notes.isRefused = isRefused
    }
    return 1
  }
}
