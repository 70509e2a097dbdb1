import { isUtf8 } from 'node:buffer'
import type { IPubackPacket, IPubrecPacket, QoS } from 'mqtt-packet'
import type { Message } from '../../src/mqtt/message.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { Phase } from './phase.ts'
import type { Publication } from './publication.ts'
import { publishMessage, publishRun } from './publishing.ts'

/** Takes a PUBLISH packet: publishes its message and answers as its QoS asks for [MQTT-3.3.4-1]. */
export const handlePublish = (client: Client, publish: Publish): void => {
  const { config } = client.handler
  if (publish.qos > config.maximumQoS) {
    client.disconnect(ReasonCode.QoSNotSupported, 'client published at a QoS over maximumQoS') // [MQTT-3.2.2-11]
    return
  }
  if (publish.retain && !config.retainAvailable) {
    client.disconnect(ReasonCode.RetainNotSupported, 'client published with RETAIN 1, which is not available')
    return
  }
  const message = publish.topicAlias === 0 ? publish.message : resolveTopicAlias(client, publish)
  if (message === undefined) return
  if (publish.qos === 0) {
    const result = take(client, publish, message)
    if (typeof result === 'number') takenQoS0(client, message, result)
    else later(client, result, 0, publish.packetIdentifier, false)
  } else if (publish.qos === 1) takeQoS1(client, publish, message)
  else takeQoS2(client, publish, message)
}

/**
 * Takes PUBLISH packets that differ in their payloads alone.
 * @returns false, and does nothing, when each is to be looked at.
 */
export const handlePublishRun = (client: Client, run: PublishRun): boolean => {
  if (client.handler.config.checkPayloadFormat && run.first.payloadFormatUtf8) return false
  return publishRun(client.handler, run, client.session!)
}

const takenQoS0 = (client: Client, message: Message, reason: ReasonCode): void => {
  if (reason >= ReasonCode.UnspecifiedError) client.refusedPublish(message, reason)
}

const takeQoS1 = (client: Client, publish: Publish, message: Message): void => {
  if (overReceiveMaximum(client)) return
  const { journal } = client.handler
  const appendedBefore = journal.appended
  const { packetIdentifier: messageId } = publish
  const result = take(client, publish, message)
  const depends = journal.appended !== appendedBefore
  if (typeof result === 'number') takenQoS1(client, messageId, message, result, depends)
  else later(client, result, 1, messageId, depends)
}

/** The message is with its subscribers. @param depends whether the answer promises what was appended to the journal. */
const takenQoS1 = (client: Client, messageId: number, message: Message, reason: ReasonCode, depends: boolean): void => {
  const answer = { cmd: 'puback', messageId, ...answered(client, message, reason) } as const
  if (client.phase === Phase.Ended) return
  if (depends || client.gate.waiting > 0) hold(client, answer, depends)
  else client.send(answer)
}

const takeQoS2 = (client: Client, publish: Publish, message: Message): void => {
  const { packetIdentifier: messageId } = publish
  const session = client.session!
  if (session.received.has(messageId)) {
    // Sent again: it was published already [MQTT-4.3.3-10].
    client.incomplete.add(messageId)
    client.answer({ cmd: 'pubrec', messageId }, false)
    return
  }
  if (session.refused?.has(messageId) === true && publish.dup) {
    // It was refused when others had got it already, and that answer was lost.
    client.answer(refusedAgain(client, messageId), false)
    return
  }
  session.refused?.delete(messageId)
  if (overReceiveMaximum(client)) return
  const { journal, totals } = client.handler
  const appendedBefore = journal.appended
  const refusedBefore = totals.refused
  const result = take(client, publish, message)
  const depends = journal.appended !== appendedBefore
  if (typeof result !== 'number') later(client, result, 2, messageId, depends)
  else takenQoS2(client, messageId, message, result, totals.refused !== refusedBefore, depends)
}

/** Answers when the message has been passed on, which takes several turns. A function of its own: it makes a closure. */
const later = (client: Client, publication: Publication, qos: QoS, messageId: number, depends: boolean): void =>
  publication.whenFinished((reason, { message, refused, appended }) => {
    if (qos === 0) takenQoS0(client, message, reason)
    else if (qos === 1) takenQoS1(client, messageId, message, reason, depends || appended)
    else takenQoS2(client, messageId, message, reason, refused, depends || appended)
  })

/**
 * The message is with its subscribers, all or some of them.
 * @param refused whether the full queue of one of them refused it.
 * @param depends whether the answer promises what was appended to the journal.
 */
const takenQoS2 = (
  client: Client,
  messageId: number,
  message: Message,
  reason: ReasonCode,
  refused: boolean,
  depends: boolean,
): void => {
  const session = client.session!
  const { journal } = client.handler
  const appendedBefore = journal.appended
  const answer = { cmd: 'pubrec', messageId, ...answered(client, message, reason) } as const
  // A message that is refused is over [MQTT-4.3.3-9]; MQTT 3 cannot say so, and goes on to PUBREL.
  if (reason < ReasonCode.UnspecifiedError || !client.isVersion5) {
    session.addReceived(messageId)
    client.incomplete.add(messageId)
  } else if (refused) session.addRefused(messageId)
  if (client.phase === Phase.Ended) return
  client.answer(answer, depends || journal.appended !== appendedBefore)
}

/** Publishes the message. @returns what the client is told, or the publication that says so later. */
const take = (client: Client, publish: Publish, message: Message): ReasonCode | Publication => {
  if (client.handler.config.checkPayloadFormat && publish.payloadFormatUtf8 && !isUtf8(message.payload)) {
    return ReasonCode.PayloadFormatInvalid
  }
  return publishMessage(client.handler, message, client.session!, client.isVersion5 && publish.qos > 0)
}

/** The Reason Code of PUBACK or PUBREC. MQTT 3 has none: what is refused is acknowledged all the same [3.1.1 MQTT-3.3.5-2]. */
const answered = (
  client: Client,
  message: Message,
  reasonCode: ReasonCode,
): Pick<IPubackPacket, 'reasonCode' | 'properties'> => {
  if (reasonCode >= ReasonCode.UnspecifiedError) client.refusedPublish(message, reasonCode)
  if (!client.isVersion5 || reasonCode === ReasonCode.Success) return {}
  return explained(client, reasonCode)
}

const refusedAgain = (client: Client, messageId: number): IPubrecPacket => ({
  ...{ cmd: 'pubrec', messageId },
  ...explained(client, ReasonCode.QuotaExceeded),
})

const explained = (client: Client, reasonCode: ReasonCode): Pick<IPubackPacket, 'reasonCode' | 'properties'> => ({
  reasonCode,
  ...client.explained(EXPLANATIONS.get(reasonCode) ?? ''),
})

/** Reason Strings for what the codes alone do not say. */
const EXPLANATIONS: ReadonlyMap<ReasonCode, string> = new Map<ReasonCode, string>([
  [ReasonCode.TopicNameInvalid, 'Clients cannot publish to topics that begin with $.'],
  [ReasonCode.QuotaExceeded, 'There is no room to retain the message, or to queue it for all of its subscribers.'],
  [ReasonCode.PayloadFormatInvalid, 'The payload is not UTF-8, as the Payload Format Indicator says.'],
])

const hold = (client: Client, answer: IPubackPacket, depends: boolean): void => {
  client.unanswered += 1
  client.answer(answer, depends, () => {
    client.unanswered -= 1
  })
}

/** [MQTT-3.3.4-7] */
const overReceiveMaximum = (client: Client): boolean => {
  if (!client.isVersion5) return false
  if (client.unanswered + client.incomplete.size < client.handler.config.receiveMaximum) return false
  client.disconnect(ReasonCode.ReceiveMaximumExceeded, 'client sent more messages than Receive Maximum allows')
  return true
}

/** @returns the message with the Topic Name that its alias stands for, or undefined when the alias is not legal. */
const resolveTopicAlias = (client: Client, { message, topicAlias, omitsTopic }: Publish): Message | undefined => {
  const aliases = client.incomingAliases
  if (aliases === undefined || !aliases.allows(topicAlias)) {
    client.disconnect(ReasonCode.TopicAliasInvalid, 'client used a Topic Alias over Topic Alias Maximum') // [MQTT-3.3.2-9]
    return undefined
  }
  if (!omitsTopic) {
    if (aliases.set(topicAlias, message.topicBytes)) return message
    client.disconnect(ReasonCode.QuotaExceeded, 'client used Topic Aliases for topics that are too long together')
    return undefined
  }
  const topic = aliases.get(topicAlias)
  if (topic !== undefined) return message.withTopic(topic)
  client.disconnect(ReasonCode.ProtocolError, 'client used a Topic Alias that stands for nothing')
  return undefined
}
