import { isUtf8 } from 'node:buffer'
import type { IPubackPacket, IPubrecPacket, QoS } from 'mqtt-packet'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { PendingPublication, PublishOutcome } from '../../src/kinds/client-session.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PacketType } from '../../src/mqtt/packet-type.ts'
import type { Publish } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import type { ClientLateAnswer, EndedLateRecord } from './client-context.ts'
import type { LateRecord } from './client-record.ts'
import type { LatePort } from './late-port.ts'
import { Phase } from './phase.ts'
import { refusedPublish } from './refusal-log.ts'
import { type Acknowledged, rememberQoS2 } from './remember-qos-2.ts'
import { STORE_IS_STUCK } from './store-is-stuck.ts'
import { toldReason } from './told-reason.ts'

/** Takes a PUBLISH packet: publishes its message and answers as its QoS asks for [MQTT-3.3.4-1]. */
export const handlePublish = (client: Client, publish: Publish): void => {
  const { terms } = client
  if (publish.qos > terms.maximumQoS) {
    client.disconnect(ReasonCode.QoSNotSupported, 'client published at a QoS over maximumQoS') // [MQTT-3.2.2-11]
    return
  }
  if (publish.retain && !terms.retainAvailable) {
    client.disconnect(ReasonCode.RetainNotSupported, 'client published with RETAIN 1, which is not available')
    return
  }
  const found = publish.topicAlias === 0 ? publish.message : resolveTopicAlias(client, publish)
  if (found === undefined) return
  const { qos, retain } = publish
  // A filter that is not type-checked can put another message into the packet. It gets the QoS that is acknowledged.
  const message = found.qos === qos && found.retain === retain ? found : found.with({ qos, retain })
  if (publish.qos === 0) takeQoS0(client, publish, message)
  else if (publish.qos === 1) takeQoS1(client, publish, message)
  else takeQoS2(client, publish, message)
}

/**
 * Takes PUBLISH packets that differ in their payloads alone.
 * @returns false, and does nothing, if each packet must be handled separately.
 */
export const handlePublishRun = (client: Client, run: PublishRun): boolean => {
  const session = client.session!
  const { checkPayloadFormat, maximumPayloadBytes } = client.handler.config
  if (checkPayloadFormat && run.payloadFormatUtf8) return false
  // `longest` is more than the largest payload.
  if (run.longest > maximumPayloadBytes) return false
  if (run.message.qos === 0) return session.publishRun(run)
  if (client.terms.maximumQoS === 0 || client.isToldStuck || !hasRoomToAnswer(client, run.count)) return false
  const reasons = session.publishAcknowledgedRun(run)
  if (reasons === undefined) return false
  const { depends } = client.gate
  for (let index = 0; index < run.count; index += 1) {
    takenQoS1(client, run.packetIdentifiers[index]!, run.message, reasons[index] as ReasonCode, depends)
  }
  return true
}

const takeQoS0 = (client: Client, publish: Publish, message: Message): void => {
  const { reasonCode, pending } = take(client, publish, message)
  if (pending === undefined) takenQoS0(client, message, reasonCode)
  else later(client, pending, 0, { messageId: 0, content: undefined }, false)
}

const takenQoS0 = (client: Client, message: Message, reason: ReasonCode): void => {
  if (reason >= ReasonCode.UnspecifiedError) refusedPublish(client, message, toldReason(reason, client.handler.config))
}

const takeQoS1 = (client: Client, publish: Publish, message: Message): void => {
  if (overReceiveMaximum(client)) return
  const { packetIdentifier: messageId } = publish
  if (client.isToldStuck) {
    client.handler.counters.unstoredPublishes += 1
    hold(client, { ...{ cmd: 'puback', messageId }, ...unstored(client) }, false)
    return
  }
  const { reasonCode, pending } = take(client, publish, message)
  const { depends } = client.gate
  if (pending === undefined) takenQoS1(client, messageId, message, reasonCode, depends)
  else later(client, pending, 1, { messageId, content: undefined }, depends)
}

/** The message was delivered. @param depends whether the answer promises what was appended to the journal. */
const takenQoS1 = (client: Client, messageId: number, message: Message, reason: ReasonCode, depends: boolean): void => {
  if (reason === ReasonCode.Success && client.phase !== Phase.Ended && client.gate.isOpen(depends)) {
    client.acknowledges(PacketType.Puback, messageId, depends)
    return
  }
  const answer = { cmd: 'puback', messageId, ...answered(client, message, reason) } as const
  if (client.phase === Phase.Ended) return
  hold(client, answer, depends)
}

const takeQoS2 = (client: Client, publish: Publish, message: Message): void => {
  const { packetIdentifier: messageId } = publish
  const session = client.session!
  const { unreleased } = session
  const content = unreleased.contentOf(message)
  const arrival = unreleased.arrival(publish, message, content)
  if (arrival === 'known') {
    client.acknowledges(PacketType.Pubrec, messageId, true, client.gate.batch)
    return
  }
  if (arrival === 'refused') {
    client.answer(refused(client, messageId), false)
    return
  }
  if (overReceiveMaximum(client)) return
  if (!unreleased.hasRoomFor(messageId)) {
    refuseUnremembered(client, messageId)
    return
  }
  if (client.isToldStuck) {
    client.handler.counters.unstoredPublishes += 1
    client.answer({ ...{ cmd: 'pubrec', messageId }, ...unstored(client) }, false)
    return
  }
  session.answerFirst()
  const { reasonCode, isRefused, pending } = take(client, publish, message)
  const { depends } = client.gate
  if (pending !== undefined) later(client, pending, 2, { messageId, content }, depends)
  else takenQoS2(client, { messageId, content }, message, reasonCode, isRefused, depends)
  // The copies of a message that is divided over turns go out in the order of the subscribers, before PUBREC.
  session.deliverOwn(message)
}

/** Refuses a message whose Packet Identifier cannot be stored: the next message with it could not be distinguished. */
const refuseUnremembered = (client: Client, messageId: number): void => {
  client.handler.counters.refusedPublishes += 1
  if (client.isVersion5) client.answer(refused(client, messageId), false)
  else client.disconnect(ReasonCode.QuotaExceeded, 'client has too many QoS 2 messages that it did not release')
}

/** Answers when the message has been passed on, which takes several turns. A function of its own: it makes a closure. */
const later = (client: Client, pending: PendingPublication, qos: QoS, what: Acknowledged, depends: boolean): void => {
  const port: LatePort = { to: undefined }
  const late = new LateAnswer(client, { port, qos, ...what, depends })
  late.begin()
  pending.whenFinished((reason, publication) => port.to?.finished(reason, publication))
}

/** The answer to a message that is delivered over several turns. The client holds it, so that a reset can continue it. */
export class LateAnswer implements ClientLateAnswer {
  readonly #client: Client
  readonly record: LateRecord

  constructor(client: Client, record: LateRecord) {
    this.#client = client
    this.record = record
  }

  /** From now on the broker reports to it. */
  begin(): void {
    const client = this.#client
    client.late ??= new Set()
    client.late.add(this)
    this.record.port.to = this
  }

  handOverEnded(broker: ClientBroker): EndedLateRecord {
    const { session, isVersion5 } = this.#client
    return { ...this.record, session: session!, broker, isVersion5 }
  }

  takeBack(): void {
    this.record.port.to = this
  }

  finished(reason: ReasonCode, { message, isRefused, hasAppended }: PendingPublication): void {
    const client = this.#client
    const { qos, messageId } = this.record
    client.late?.delete(this)
    client.handler.lateAnswers.delete(this)
    client.gate.begin()
    const depends = this.record.depends || hasAppended
    if (qos === 0) takenQoS0(client, message, reason)
    else if (qos === 1) takenQoS1(client, messageId, message, reason, depends)
    else takenQoS2(client, this.record, message, reason, isRefused, depends)
  }
}

/**
 * The message was delivered to all or some subscribers.
 * @param isRefused whether the full queue of one of them refused it.
 * @param depends whether the answer promises what was appended to the journal.
 */
const takenQoS2 = (
  client: Client,
  { messageId, content }: Acknowledged,
  message: Message,
  reason: ReasonCode,
  isRefused: boolean,
  depends: boolean,
): void => {
  const session = client.session!
  // It may have ended meanwhile.
  if (session.hasEnded) return
  const said = answered(client, message, reason)
  rememberQoS2(session, { messageId, content }, reason, isRefused, client.isVersion5, session.recipient === client)
  if (client.phase === Phase.Ended) return
  const waits = depends || client.gate.depends
  if (said === undefined) client.acknowledges(PacketType.Pubrec, messageId, waits)
  else client.answer({ cmd: 'pubrec', messageId, ...said }, waits)
}

/** Publishes the message. @returns filled again by the next message. */
const take = (client: Client, publish: Publish, message: Message): PublishOutcome => {
  const { checkPayloadFormat, maximumPayloadBytes } = client.handler.config
  if (checkPayloadFormat && publish.payloadFormatUtf8 && !isUtf8(message.payload)) return NOT_UTF8
  if (message.payloadLength > maximumPayloadBytes) {
    client.handler.counters.tooLargePayloads += 1
    return TOO_LARGE
  }
  return client.session!.publish(message, client.isVersion5 && publish.qos > 0)
}

const refusedFor = (reasonCode: ReasonCode): PublishOutcome => ({
  ...{ reasonCode, subscribers: 0 },
  ...{ isRefused: false, pending: undefined },
})

const NOT_UTF8 = refusedFor(ReasonCode.PayloadFormatInvalid)
/** PUBACK and PUBREC know no Packet too large (0x95). This limit is one of the administrator (section 3.4.2.1). */
const TOO_LARGE = refusedFor(ReasonCode.QuotaExceeded)

/** The Reason Code of PUBACK or PUBREC. MQTT 3 has no Reason Codes: a refused message is acknowledged [3.1.1 MQTT-3.3.5-2]. */
const answered = (
  client: Client,
  message: Message,
  reason: ReasonCode,
): Pick<IPubackPacket, 'reasonCode' | 'properties'> | undefined => {
  const reasonCode = toldReason(reason, client.handler.config)
  if (reasonCode >= ReasonCode.UnspecifiedError) refusedPublish(client, message, reasonCode)
  if (!client.isVersion5 || reasonCode === ReasonCode.Success) return undefined
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

/** Reason Strings where the Reason Code is not specific. */
const EXPLANATIONS: ReadonlyMap<ReasonCode, string> = new Map<ReasonCode, string>([
  [ReasonCode.TopicNameInvalid, 'Clients cannot publish to topics that begin with $.'],
  [
    ReasonCode.QuotaExceeded,
    'The payload is too large, or there is no room to retain the message, to queue it for all of its subscribers, or for its ' +
      'Packet Identifier.',
  ],
  [ReasonCode.PayloadFormatInvalid, 'The payload is not UTF-8, as the Payload Format Indicator says.'],
])

/** The Reason Code while the store cannot write. It is not known yet who would be owed the message. */
const unstored = (client: Client): Pick<IPubackPacket, 'reasonCode' | 'properties'> => ({
  reasonCode: ReasonCode.QuotaExceeded,
  ...client.explained(STORE_IS_STUCK),
})

/** Sends PUBACK, which counts towards Receive Maximum as long as it has to wait. */
const hold = (client: Client, answer: IPubackPacket, depends: boolean): void => {
  client.unanswered += 1
  client.answer(answer, depends, 'answered')
}

/** Whether this number of further messages is within Receive Maximum. MQTT 3 has no Receive Maximum. */
const hasRoomToAnswer = (client: Client, messages: number): boolean => {
  if (!client.isVersion5) return true
  return client.unanswered + client.session!.unreleased.ofConnection + messages <= client.terms.receiveMaximum
}

/** [MQTT-3.3.4-7] */
const overReceiveMaximum = (client: Client): boolean => {
  if (hasRoomToAnswer(client, 1)) return false
  client.disconnect(ReasonCode.ReceiveMaximumExceeded, 'client sent more messages than Receive Maximum allows')
  return true
}

/** @returns the message with the Topic Name of its alias; undefined if the alias is invalid. */
const resolveTopicAlias = (client: Client, { message, topicAlias, omitsTopic }: Publish): Message | undefined => {
  const aliases = client.incomingAliases
  if (aliases === undefined || !aliases.allows(topicAlias)) {
    client.disconnect(ReasonCode.TopicAliasInvalid, 'client used a Topic Alias over Topic Alias Maximum') // [MQTT-3.3.2-9]
    return undefined
  }
  if (!omitsTopic) {
    if (aliases.set(topicAlias, message.topicBytes)) return message
    client.disconnect(ReasonCode.QuotaExceeded, 'client used Topic Aliases for more than 65,536 bytes of Topic Names')
    return undefined
  }
  const topic = aliases.get(topicAlias)
  if (topic !== undefined) return message.with({ topic })
  client.disconnect(ReasonCode.ProtocolError, 'client used an unknown Topic Alias')
  return undefined
}
