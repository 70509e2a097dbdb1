import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import { describePeer } from '../../src/kinds/peer.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { MAXIMUM_ACKNOWLEDGED, type PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { shortened } from './client-log.ts'
import type { HandlerConfig } from './config.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import type { Publication } from './publication.ts'
import { isServerTopic } from './server-topic.ts'
import type { Session } from './session.ts'

/** Units of work that a Will costs apart from its deliveries: its message is made, and the store and the log are told. */
const WILL_UNITS = 20

/** Who is charged for work: the connection of the client that causes it, or the scheduler. */
export type Payer = Pick<Connection, 'chargeWork'>

/** The work of any message or run, in units, beside that of its packet (`packet-work.ts`) and of its deliveries. */
const PUBLISH_UNITS = 1

/** A message that is more work, in units, is passed on over several turns: some 2 ms. */
const UNDIVIDED_UNITS = 10_000

/**
 * Whether a client may publish this message, now. The one place where this is decided: for PUBLISH, for a Will when it is
 * announced, and again when it is published.
 * @returns Success, or why not.
 */
export const mayPublish = (handler: MqttHandler, message: Message, identity: Identity): ReasonCode => {
  if (isServerTopic(message)) return ReasonCode.TopicNameInvalid
  const { authorizer } = handler
  if (authorizer !== undefined && !authorizer.mayPublish(identity, message.topic, message.qos, message.retain)) {
    return notAuthorized(handler.config)
  }
  return ReasonCode.Success
}

/** What a client is told that may not do what it wants. */
export const notAuthorized = ({ explainRefusals }: HandlerConfig): ReasonCode =>
  explainRefusals ? ReasonCode.NotAuthorized : ReasonCode.UnspecifiedError

/**
 * Publishes a message of a client: retains it if it is to be retained, and passes it to the subscribers.
 * @param message lent.
 * @param told whether the publisher learns that there is no room to retain it: then nobody gets it, since it may be sent
 * again. Otherwise it is delivered even so.
 * @param payer is charged for the work; the publisher, unless told otherwise.
 * @returns what the publisher is told: Success, No matching subscribers, or why it was not accepted; or the publication that
 * says so later, if the message takes several turns of the event loop. Nothing is read from the client until then.
 */
export const publishMessage = (
  handler: MqttHandler,
  message: Message,
  publisher: Session,
  told: boolean,
  payer: Payer | undefined = publisher.client?.connection,
): ReasonCode | Publication => {
  const allowed = mayPublish(handler, message, publisher.identity)
  if (allowed !== ReasonCode.Success) return allowed
  let reason: ReasonCode = ReasonCode.Success
  if (message.retain && !handler.retained.take(message)) {
    reason = ReasonCode.QuotaExceeded
    if (told) return reason
  }
  if (handler.publications.isBusy(publisher.id)) return publishInSteps(handler, message, publisher, reason)
  const refusedBefore = handler.totals.refused
  const { subscribers, work, isTooMuch } = handler.router.publish(message, publisher, UNDIVIDED_UNITS)
  payer?.chargeWork(PUBLISH_UNITS + work)
  if (isTooMuch) return publishInSteps(handler, message, publisher, reason)
  if (handler.totals.refused !== refusedBefore) reason = ReasonCode.QuotaExceeded
  if (reason !== ReasonCode.Success) return reason
  return subscribers === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success
}

/** Publishes a message over several turns, if there is room for it meanwhile. */
const publishInSteps = (
  { publications }: MqttHandler,
  message: Message,
  publisher: Session,
  reason: ReasonCode,
): ReasonCode | Publication =>
  publications.hasRoomFor(message) ? publications.add(message, publisher, reason) : ReasonCode.QuotaExceeded

/**
 * Publishes all messages of a run at QoS 0, as `publishMessage` does each of them.
 * @returns false, and publishes nothing, when they may not be published, or when each is to be published by itself.
 */
export const publishRun = (handler: MqttHandler, run: PublishRun, publisher: Session): boolean => {
  if (!mayPublishRun(handler, run, publisher)) return false
  const { isTaken, work } = handler.router.publishRun!(run, publisher, UNDIVIDED_UNITS)
  publisher.client?.connection.chargeWork(PUBLISH_UNITS + work)
  return isTaken
}

/**
 * The same at QoS 1.
 * @returns what the publisher is told of each, good until the next run; undefined, and publishes nothing, as `publishRun` false.
 */
export const publishAcknowledgedRun = (
  handler: MqttHandler,
  run: PublishRun,
  publisher: Session,
): Uint8Array | undefined => {
  if (!mayPublishRun(handler, run, publisher)) return undefined
  const { router, totals } = handler
  let index = 0
  let refusedBefore = totals.refused
  const { isTaken, work, whole } = router.publishRun!(run, publisher, UNDIVIDED_UNITS, (reached) => {
    const reason = reached === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success
    reasons[index] = totals.refused === refusedBefore ? reason : ReasonCode.QuotaExceeded
    refusedBefore = totals.refused
    index += 1
  })
  publisher.client?.connection.chargeWork(PUBLISH_UNITS + work)
  if (!isTaken) return undefined
  // When nobody took them one by one, they are all alike.
  if (index === 0) reasons.fill(whole === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success)
  return reasons
}

const mayPublishRun = (handler: MqttHandler, run: PublishRun, publisher: Session): boolean =>
  handler.router.publishRun !== undefined &&
  !handler.publications.isBusy(publisher.id) &&
  mayPublish(handler, run.message, publisher.identity) === ReasonCode.Success

const reasons = new Uint8Array(MAXIMUM_ACKNOWLEDGED)

/**
 * Publishes the Will Message of a client that is gone, by the same rules as if the client published it. One that is not
 * accepted is dropped and counted. Never throws: an error is logged, since the caller often acts for another client, which
 * takes the session over.
 * @param payer is charged for the work.
 * @returns whether it was passed on to the subscribers, at once or over several turns.
 */
export const publishWill = (handler: MqttHandler, will: Message, session: Session, payer: Payer): boolean => {
  const { topic } = will
  const details = {
    client: session.id,
    remote: describePeer(session.identity.peer),
    user: session.identity.userName,
    topic,
  }
  const finished = (reason: ReasonCode): void => {
    const accepted = reason < ReasonCode.UnspecifiedError
    if (!accepted) handler.totals.refusedPublishes += 1
    // A Will on a topic of the server was logged when the client connected.
    const level = accepted || isServerTopic(will) ? 'debug' : 'warn'
    if (!handler.log.isLevelEnabled(level)) return
    const what = accepted ? 'Will Message published' : 'Will Message not accepted'
    handler.log[level](
      { ...details, reason: describeReasonCode(reason) },
      `${what}: ${session.id} from ${details.remote}: ${describeReasonCode(reason)}: topic ${shortened(topic)}`,
    )
  }
  try {
    payer.chargeWork(WILL_UNITS)
    const result = publishMessage(handler, will, session, false, payer)
    if (typeof result !== 'number') {
      result.whenFinished(finished)
      return true
    }
    finished(result)
    // Without room to retain it, or in the queue of a subscriber, the others have got it.
    return result < ReasonCode.UnspecifiedError || result === ReasonCode.QuotaExceeded
  } catch (error) {
    handler.log.error({ ...details, err: error }, 'Will Message not published')
    return false
  }
}
