import { isUtf8 } from 'node:buffer'
import type { IPubackPacket, IPubrecPacket } from 'mqtt-packet'
import type { Message } from '../../src/mqtt/message.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { publishMessage, publishRun } from './publishing.ts'
import { contentOf } from './unreleased-messages.ts'

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
  const found = publish.topicAlias === 0 ? publish.message : resolveTopicAlias(client, publish)
  if (found === undefined) return
  const { qos, retain } = publish
  // A filter that is not type-checked can put another message into the packet: it goes on as what is acknowledged.
  const message = found.qos === qos && found.retain === retain ? found : found.with({ qos, retain })
  if (publish.qos === 0) {
    const reason = take(client, publish, message)
    if (reason >= ReasonCode.UnspecifiedError) client.refusedPublish(message, reason)
  } else if (publish.qos === 1) takeQoS1(client, publish, message)
  else takeQoS2(client, publish, message)
}

/**
 * Takes PUBLISH packets that differ in their payloads alone.
 * @returns false, and does nothing, when each is to be looked at.
 */
export const handlePublishRun = (client: Client, run: PublishRun): boolean => {
  if (client.handler.config.checkPayloadFormat && run.payloadFormatUtf8) return false
  return publishRun(client.handler, run, client.session!)
}

const takeQoS1 = (client: Client, publish: Publish, message: Message): void => {
  if (overReceiveMaximum(client)) return
  const { journal } = client.handler
  const appendedBefore = journal.appended
  const reason = take(client, publish, message)
  const answer = { cmd: 'puback', messageId: publish.packetIdentifier, ...answered(client, message, reason) } as const
  const depends = journal.appended !== appendedBefore
  if (depends || client.gate.waiting > 0) hold(client, answer, depends)
  else client.send(answer)
}

const takeQoS2 = (client: Client, publish: Publish, message: Message): void => {
  const { packetIdentifier: messageId } = publish
  const session = client.session!
  const { unreleased } = session
  const { journal, totals } = client.handler
  const appendedBefore = journal.appended
  const content = contentIfKnownBy(client, message)
  const arrival = unreleased.arrival(publish, message, content)
  if (arrival !== 'new') {
    client.answer(arrival === 'known' ? { cmd: 'pubrec', messageId } : refused(client, messageId), false)
    return
  }
  if (overReceiveMaximum(client)) return
  if (!unreleased.hasRoomFor(messageId)) {
    refuseUnremembered(client, messageId)
    return
  }
  const refusedBefore = totals.refused
  session.answerFirst()
  const reason = take(client, publish, message)
  const answer = { cmd: 'pubrec', messageId, ...answered(client, message, reason) } as const
  // A message that is refused is over [MQTT-4.3.3-9]; MQTT 3 cannot say so, and goes on to PUBREL.
  if (reason < ReasonCode.UnspecifiedError || !client.isVersion5) {
    unreleased.add(messageId, content)
  } else if (totals.refused !== refusedBefore) unreleased.addRefused(messageId)
  client.answer(answer, journal.appended !== appendedBefore)
  session.deliverOwn(message)
}

/** @returns undefined when messages are known by their identifiers alone. */
const contentIfKnownBy = (client: Client, message: Message): number | undefined => {
  if (client.handler.config.duplicateQoS2 === 'by-identifier') return undefined
  // Some 8 units of work for each KiB.
  client.connection.chargeWork(message.size >> 7)
  return contentOf(message)
}

/** Refuses a message whose Packet Identifier there is no room for: it could not be told from the next message under it. */
const refuseUnremembered = (client: Client, messageId: number): void => {
  client.handler.totals.refusedPublishes += 1
  if (client.isVersion5) client.answer(refused(client, messageId), false)
  else client.disconnect(ReasonCode.QuotaExceeded, 'client has too many QoS 2 messages that it did not release')
}

/** Publishes the message. @returns what the client is told. */
const take = (client: Client, publish: Publish, message: Message): ReasonCode => {
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

const refused = (client: Client, messageId: number): IPubrecPacket => ({
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
  [
    ReasonCode.QuotaExceeded,
    'There is no room to retain the message, to queue it for all of its subscribers, or for its Packet Identifier.',
  ],
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
  if (client.unanswered + client.session!.unreleased.ofConnection < client.handler.config.receiveMaximum) return false
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
  if (topic !== undefined) return message.with({ topic })
  client.disconnect(ReasonCode.ProtocolError, 'client used a Topic Alias that stands for nothing')
  return undefined
}
