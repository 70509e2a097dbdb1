import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { HandlerConfig } from './config.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import type { Publication } from './publication.ts'
import type { Session } from './session.ts'

const DOLLAR = 0x24

/** The work of any message or run, in units, however few subscribers it has. */
const PUBLISH_UNITS = 5

/** A message that is more work, in units, is passed on over several turns: some 2 ms. */
const UNDIVIDED_UNITS = 10_000

/**
 * Whether a client may publish this message, now. The one place where this is decided: for PUBLISH, for a Will when it is
 * announced, and again when it is published.
 * @returns Success, or why not.
 */
export const mayPublish = (handler: MqttHandler, message: Message, identity: Identity): ReasonCode => {
  // Topics that begin with `$` are the server's own (section 4.7.2).
  if (message.bytes[message.topicStart] === DOLLAR) return ReasonCode.TopicNameInvalid
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
 * @returns what the publisher is told: Success, No matching subscribers, or why it was not accepted; or the publication that
 * says so later, if the message takes several turns of the event loop. Nothing is read from the client until then.
 */
export const publishMessage = (
  handler: MqttHandler,
  message: Message,
  publisher: Session,
  told: boolean,
): ReasonCode | Publication => {
  const allowed = mayPublish(handler, message, publisher.identity)
  if (allowed !== ReasonCode.Success) return allowed
  let reason: ReasonCode = ReasonCode.Success
  if (message.retain && !handler.retained.take(message)) {
    reason = ReasonCode.QuotaExceeded
    if (told) return reason
  }
  if (handler.publications.isBusy(publisher.id)) return handler.publications.add(message, publisher, reason)
  const refusedBefore = handler.totals.refused
  const { subscribers, work, isTooMuch } = handler.router.publish(message, publisher, UNDIVIDED_UNITS)
  publisher.client?.connection.chargeWork(PUBLISH_UNITS + work)
  if (isTooMuch) return handler.publications.add(message, publisher, reason)
  if (handler.totals.refused !== refusedBefore) reason = ReasonCode.QuotaExceeded
  if (reason !== ReasonCode.Success) return reason
  return subscribers === 0 ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success
}

/**
 * Publishes all messages of a run, as `publishMessage` does each of them at QoS 0.
 * @returns false, and publishes nothing, when they may not be published, or when each is to be published by itself.
 */
export const publishRun = (handler: MqttHandler, run: PublishRun, publisher: Session): boolean => {
  const { router } = handler
  if (router.publishRun === undefined || handler.publications.isBusy(publisher.id)) return false
  if (mayPublish(handler, run.first.message, publisher.identity) !== ReasonCode.Success) return false
  const { isTaken, work } = router.publishRun(run, publisher, UNDIVIDED_UNITS)
  publisher.client?.connection.chargeWork(PUBLISH_UNITS + work)
  return isTaken
}

/**
 * Publishes the Will Message of a client that is gone, by the same rules as if the client published it. Never throws: what
 * fails is logged, since it often is another client that the Will comes up for, whose connection takes the session over.
 */
export const publishWill = (handler: MqttHandler, will: Message, session: Session): void => {
  const details = { client: session.id, topic: will.topic }
  const log = (reason: ReasonCode) => {
    if (reason < ReasonCode.UnspecifiedError) handler.log.debug({ ...details, reason }, 'Will Message published')
    else handler.log.warn({ ...details, reason }, 'Will Message not accepted')
  }
  try {
    const result = publishMessage(handler, will, session, false)
    if (typeof result === 'number') log(result)
    else result.whenFinished(log)
  } catch (error) {
    handler.log.error({ ...details, err: error }, 'Will Message not published')
  }
}
