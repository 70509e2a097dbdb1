import type { QoS } from 'mqtt-packet'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { Delivery } from '../../src/kinds/router.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Outbox } from './outbox.ts'

/** The session of the client that publishes the message. */
export interface OwnCopyOwner {
  readonly recipient: Recipient | undefined
  readonly outbox: Pick<Outbox, 'sends'>
}

/**
 * Holds back the copy of a message at QoS 2 for the client that publishes it, until PUBREC was sent. Only a copy that would be sent at
 * once is held back: one that has to wait follows PUBREC anyway, and one that is refused is a part of the answer.
 */
export class OwnCopy {
  readonly #session: OwnCopyOwner
  /** Whether a message is being published whose copy is held back. */
  #isHeldBack = false
  /** The delivery of the copy, once it has come. */
  #delivery: Delivery | undefined

  /** @param handed of the predecessor, at a reset. */
  constructor(session: OwnCopyOwner, handed?: OwnCopyState) {
    this.#session = session
    if (handed === undefined) return
    this.#isHeldBack = handed.isHeldBack
    this.#delivery = handed.delivery
  }

  /** For a successor. Changes nothing. */
  handOver(): OwnCopyState {
    return { isHeldBack: this.#isHeldBack, delivery: this.#delivery }
  }

  /** A message of the client is published next. */
  begin(): void {
    this.#isHeldBack = true
  }

  /** @returns whether this is the copy that is held back: `end` gives its delivery. */
  takes(message: Message, qos: QoS, delivery: Delivery): boolean {
    if (!this.#isHeldBack || this.#delivery !== undefined) return false
    const { recipient, outbox } = this.#session
    if (recipient === undefined || (qos > 0 && !outbox.sends(message, qos, delivery.shared))) return false
    this.#delivery = delivery
    return true
  }

  /** PUBREC was sent, or the connection is another one. @returns the delivery of the copy; undefined if none was held back. */
  end(): Delivery | undefined {
    const delivery = this.#delivery
    this.#isHeldBack = false
    this.#delivery = undefined
    return delivery
  }
}

export interface OwnCopyState {
  readonly isHeldBack: boolean
  readonly delivery: Delivery | undefined
}
