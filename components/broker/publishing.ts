import type { Identity } from '../../src/kinds/authorizer.ts'
import type { PendingPublication, PublishOutcome } from '../../src/kinds/client-session.ts'
import type { PublishResult, Router } from '../../src/kinds/router.ts'
import type { Payer } from '../../src/kinds/turn-scheduler.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { MAXIMUM_ACKNOWLEDGED, type PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { isServerTopic } from '../../src/mqtt/server-topic.ts'
import type { Authorization } from './authorization.ts'
import type { BrokerCounters } from './counters.ts'
import type { Publications } from './publications.ts'
import type { Retained } from './retained.ts'
import type { Session } from './session.ts'

/** The work of any message or run, in units, beside that of its packet (`packet-work.ts`) and of its deliveries. */
const PUBLISH_UNITS = 1

/** A message of more work, in units, is delivered over several turns: about 2 ms. */
const UNDIVIDED_UNITS = 10_000

/** The parts of the broker that publishing uses. */
export interface PublishingContext {
  readonly router: Router
  readonly authorization: Authorization
  readonly counters: BrokerCounters
  readonly retained: Retained
  readonly publications: Publications
}

/** Publishes all messages of clients, also Wills: authorizes, retains, and delivers them. */
export class Publishing {
  readonly #broker: PublishingContext
  /** The result, which the next message reuses. */
  readonly #outcome: Outcome = {
    reasonCode: ReasonCode.Success,
    subscribers: 0,
    isRefused: false,
    pending: undefined,
  }
  /** The Reason Code of each message of a run at QoS 1. */
  readonly #reasons = new Uint8Array(MAXIMUM_ACKNOWLEDGED)

  constructor(broker: PublishingContext) {
    this.#broker = broker
  }

  /**
   * Whether a client may publish this message now. Called for PUBLISH, for a Will in CONNECT, and again when the Will is
   * published.
   * @returns Success, or the reason of the refusal.
   */
  mayPublish(message: Message, identity: Identity): ReasonCode {
    if (isServerTopic(message)) return ReasonCode.TopicNameInvalid
    if (this.#isAllowed(message, identity)) return ReasonCode.Success
    this.#broker.counters.deniedPublishes += 1
    return ReasonCode.NotAuthorized
  }

  /** Reading the Topic Name makes a text of it, which the router does not need if the route is known. */
  #isAllowed(message: Message, identity: Identity): boolean {
    const { authorization } = this.#broker
    if (authorization.isOpenFor(identity)) return true
    return authorization.mayPublish(identity, message.topic, message.qos, message.retain)
  }

  /** Whether an earlier message of this client is still being delivered. */
  isBusy(clientId: string): boolean {
    return this.#broker.publications.isBusy(clientId)
  }

  /**
   * As `ClientSession.publish`.
   * @param payer is charged for the work; the publisher, unless told otherwise.
   */
  publish(
    message: Message,
    publisher: Session,
    told: boolean,
    payer: Payer | undefined = publisher.recipient,
  ): Outcome {
    const allowed = this.mayPublish(message, publisher.identity)
    if (allowed !== ReasonCode.Success) return this.#decided(allowed)
    let reason: ReasonCode = ReasonCode.Success
    if (message.retain && !this.#broker.retained.take(message, publisher)) {
      reason = ReasonCode.QuotaExceeded
      if (told) return this.#decided(reason)
    }
    if (this.isBusy(publisher.id)) return this.#inSteps(message, publisher, reason)
    const { subscribers, refused, work, isTooMuch } = this.#broker.router.publish(message, publisher, UNDIVIDED_UNITS)
    payer?.chargeWork(PUBLISH_UNITS + work)
    if (isTooMuch) return this.#inSteps(message, publisher, reason)
    if (refused > 0) reason = ReasonCode.QuotaExceeded
    if (reason === ReasonCode.Success && subscribers === 0) reason = ReasonCode.NoMatchingSubscribers
    return this.#decided(reason, subscribers, refused > 0)
  }

  /**
   * Publishes a message of the server itself: no authorizer is asked, and the topic may begin with `$`.
   * @param payer is charged for the work. @returns filled again by the next call.
   */
  publishOwn(message: Message, payer: Payer): Outcome {
    const isRetained = !message.retain || this.#broker.retained.take(message)
    return this.#delivered(this.#broker.router.publish(message), payer, isRetained)
  }

  /** The same for a message that is retained in memory alone, and passed to no other process. */
  publishVolatile(message: Message, payer: Payer): Outcome {
    this.#broker.retained.takeVolatile(message)
    return this.#delivered(this.#broker.router.publishHere(message), payer, true)
  }

  #delivered({ subscribers, refused, work }: PublishResult, payer: Payer, isRetained: boolean): Outcome {
    payer.chargeWork(PUBLISH_UNITS + work)
    if (!isRetained || refused > 0) return this.#decided(ReasonCode.QuotaExceeded, subscribers, refused > 0)
    return this.#decided(subscribers === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success, subscribers)
  }

  /** As `ClientSession.publishRun`. */
  publishRun(run: PublishRun, publisher: Session): boolean {
    if (!this.#mayPublishRun(run, publisher)) return false
    const { isTaken, work } = this.#broker.router.publishRun!(run, publisher, UNDIVIDED_UNITS)
    publisher.recipient?.chargeWork(PUBLISH_UNITS + work)
    return isTaken
  }

  /** As `ClientSession.publishAcknowledgedRun`. */
  publishAcknowledgedRun(run: PublishRun, publisher: Session): Uint8Array | undefined {
    if (!this.#mayPublishRun(run, publisher)) return undefined
    const { router } = this.#broker
    const reasons = this.#reasons
    let index = 0
    const { isTaken, work, whole } = router.publishRun!(run, publisher, UNDIVIDED_UNITS, (reached, refused) => {
      const reason = reached === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success
      reasons[index] = refused > 0 ? ReasonCode.QuotaExceeded : reason
      index += 1
    })
    publisher.recipient?.chargeWork(PUBLISH_UNITS + work)
    if (!isTaken) return undefined
    // If no subscriber took single messages, all results are the same.
    if (index === 0) reasons.fill(whole === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success)
    return reasons
  }

  #mayPublishRun(run: PublishRun, publisher: Session): boolean {
    return (
      this.#broker.router.publishRun !== undefined &&
      !this.isBusy(publisher.id) &&
      !isServerTopic(run.message) &&
      // If it is not allowed, the messages follow one by one, and are counted.
      this.#isAllowed(run.message, publisher.identity)
    )
  }

  /** Publishes a message over several turns, if there is room for it meanwhile. */
  #inSteps(message: Message, publisher: Session, reason: ReasonCode): Outcome {
    const { publications } = this.#broker
    if (!publications.hasRoomFor(message, publisher)) return this.#decided(ReasonCode.QuotaExceeded)
    const pending = publications.add(message, publisher, reason)
    this.#decided(reason)
    this.#outcome.pending = pending
    return this.#outcome
  }

  #decided(reasonCode: ReasonCode, subscribers = 0, isRefused = false): Outcome {
    const outcome = this.#outcome
    outcome.reasonCode = reasonCode
    outcome.subscribers = subscribers
    outcome.isRefused = isRefused
    outcome.pending = undefined
    return outcome
  }
}

type Outcome = { -readonly [Key in keyof PublishOutcome]: PublishOutcome[Key] } & {
  pending: PendingPublication | undefined
}
