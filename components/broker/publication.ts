import type { PendingPublication } from '../../src/kinds/client-session.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import type { Router, SteppedPublish } from '../../src/kinds/router.ts'
import type { TurnScheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { describeSession } from './describe-session.ts'
import type { Journal } from './journal.ts'
import { OVERHEAD_BYTES } from './outgoing.ts'
import type { Session } from './session.ts'

/** The work of one step, in units. It is small, so that many publications share a turn. */
const STEP_UNITS = 2_000

/** The parts of the broker that a publication uses. */
export interface PublicationContext {
  readonly router: Router
  readonly journal: Journal
  readonly scheduler: TurnScheduler
  readonly log: Logger
}

/** Takes the result of a publication. @param publication finished. @param reason for the answer to the publisher. */
type PublicationListener = (reason: ReasonCode, publication: PendingPublication) => void

/** The delivery of one message, divided over several turns of the event loop. */
export class Publication implements TurnTask, PendingPublication {
  /** Kept, in memory of its own. */
  readonly message: Message
  readonly publisher: Session
  /** The connection that brought it; undefined for a Will whose connection is gone. */
  readonly #recipient: Recipient | undefined
  readonly #broker: PublicationContext
  readonly #onFinished: (publication: Publication) => void
  /** The router's part; undefined until its turn comes. */
  #steps: SteppedPublish | undefined
  #listener: PublicationListener | undefined
  /** The Reason Code for the publisher, unless a subscriber changes it. */
  #reason: ReasonCode
  #isFinished = false
  #hasFailed = false
  /** Whether something was appended to the journal that the answer has to wait for. */
  hasAppended = false

  /** @param reason for the publisher, unless a subscriber changes it. @param onFinished called once. */
  constructor(
    broker: PublicationContext,
    message: Message,
    publisher: Session,
    reason: ReasonCode,
    onFinished: (publication: Publication) => void,
  ) {
    this.#broker = broker
    this.message = message.keep()
    this.publisher = publisher
    this.#recipient = publisher.recipient
    this.#reason = reason
    this.#onFinished = onFinished
  }

  /** What its message costs while it waits, in bytes. */
  get cost(): number {
    return this.message.size + OVERHEAD_BYTES
  }

  get isFinished(): boolean {
    return this.#isFinished
  }

  /** Whether the full queue of a subscriber refused the message. */
  get isRefused(): boolean {
    return this.#steps !== undefined && this.#steps.refused > 0
  }

  /**
   * Sets the function that is called when all subscribers have the message: at once if they have it already, never if the
   * delivery failed.
   */
  whenFinished(listener: PublicationListener): void {
    this.#listener = listener
    if (this.#isFinished && !this.#hasFailed) listener(this.#reason, this)
  }

  /** Continues while the turn allows it. */
  resume(): void {
    while (!this.#isFinished && this.#broker.scheduler.mayGoOn(this)) this.#step(STEP_UNITS)
  }

  /** Does all remaining work at once. */
  complete(): void {
    while (!this.#isFinished) this.#step(Number.POSITIVE_INFINITY)
  }

  #step(units: number): void {
    const { journal, router, scheduler } = this.#broker
    const { position } = journal
    try {
      this.#steps ??= router.publishInSteps(this.message, this.publisher)
      scheduler.spend(1 + this.#steps.step(this.#isIndivisible ? Number.POSITIVE_INFINITY : units))
    } catch (error) {
      this.#fail(error)
      return
    }
    if (journal.position !== position) this.hasAppended = true
    if (this.#steps.isDone) this.#finish()
  }

  /**
   * A message at QoS 2 is delivered in one turn where the store is not durable at once: the records of the subscribers' queues
   * and of the publisher's session must be in one batch. After a crash between two batches the publisher would send the message
   * again, and it would be delivered twice or be taken for one that all subscribers have.
   */
  get #isIndivisible(): boolean {
    return this.message.qos === 2 && this.#steps?.isRouted === true && !this.#broker.journal.isImmediate
  }

  #finish(): void {
    if (this.#reason === ReasonCode.Success) {
      if (this.isRefused) this.#reason = ReasonCode.QuotaExceeded
      else if (this.#steps!.subscribers === 0) this.#reason = ReasonCode.NoMatchingSubscribers
    }
    this.#isFinished = true
    try {
      this.#listener?.(this.#reason, this)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#onFinished(this)
  }

  /** Without an acknowledgement the publisher sends the message again, as after any error in the handler. */
  #fail(error: unknown): void {
    this.#isFinished = true
    this.#hasFailed = true
    const details = { err: error, ...describeSession(this.publisher).fields, topic: this.message.topic }
    this.#broker.log.error(details, 'Message not passed on')
    try {
      // Another connection of the client may have taken over. The client then sends the message again.
      this.#recipient?.disconnect(ReasonCode.UnspecifiedError, 'its message could not be passed on', {
        reasonString: '',
      })
    } finally {
      this.#onFinished(this)
    }
  }
}
