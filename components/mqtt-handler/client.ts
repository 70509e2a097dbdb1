import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import type { Watch } from '../../src/mqtt/keep-alive.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { ProtocolError } from '../../src/mqtt/protocol-error.ts'
import { NONE, type Publish, type PublishFields } from '../../src/mqtt/publish.ts'
import type { PublishRun } from '../../src/mqtt/publish-run.ts'
import { publishSize } from '../../src/mqtt/publish-size.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { IncomingTopicAliases, OutgoingTopicAliases } from '../../src/mqtt/topic-alias.ts'
import { AckGate } from './ack-gate.ts'
import { handleAcknowledgement } from './acknowledge.ts'
import { handleAuth } from './auth.ts'
import type { Authentication } from './authentication.ts'
import { type ClientEnd, endedByBroker, willOutcome, willOutcomeNow } from './client-log.ts'
import { handleConnect } from './connect.ts'
import type { ConnectRequest } from './connect-request.ts'
import { dispatch } from './dispatch.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import { acknowledgementWork, packetWork, publishWork, runWork } from './packet-work.ts'
import { Phase } from './phase.ts'
import { handlePublish, handlePublishRun } from './publish.ts'
import { Pause, Reading } from './reading.ts'
import { refuse } from './refuse.ts'
import type { Session } from './session.ts'

/** What a Topic Alias costs in a packet: shorter Topic Names are no better with one. */
const TOPIC_ALIAS_BYTES = 3

/** A packet of MQTT 5.0 is at most so much longer than the same of MQTT 3: Property Length, and a longer Remaining Length. */
const ANOTHER_FORM_BYTES = 2

/** A client: from the opening of its network connection to the end of it. Takes its packets, and sends to it. */
export class Client implements PacketReceiver {
  readonly connection: Connection
  readonly handler: MqttHandler
  readonly #next: PacketReceiver
  /** Whether its packets are read now. */
  readonly reading: Reading
  #phase: Phase = Phase.New
  /** Watched for its CONNECT packet, then for silence. */
  readonly #watch: Watch<Client>
  /** The silence that it is allowed, once it is accepted. */
  #silenceLimitMs = 0

  // Who it is; set when its CONNECT is accepted, the identity as soon as CONNECT has come.
  identity: Identity
  /** The user that it proved to be. */
  owner: string | undefined
  session: Session | undefined
  /** Whether the Session Expiry Interval that it asked for, granted or not, was more than 0. */
  askedForSession = false
  /** Its enhanced authentication, if it has one. */
  authentication: Authentication | undefined
  /** It speaks a version that is not spoken here: the version of its connection is that of the answer. */
  versionRefused = false
  /** Request Problem Information: whether it wants reason strings. */
  wantsReasons = true

  /** Answers that wait for the store. */
  readonly gate: AckGate
  #incomingAliases: IncomingTopicAliases | undefined
  #outgoingAliases: OutgoingTopicAliases | undefined

  /** PUBACK packets that wait in the gate. */
  unanswered = 0

  /** Messages at QoS 0 come faster than it reads. */
  #dropping = false

  /** What of it was refused so far, and why: that was logged. */
  #refusals: Set<string> | undefined

  constructor(connection: Connection, next: PacketReceiver, handler: MqttHandler) {
    this.connection = connection
    this.#next = next
    this.handler = handler
    this.identity = { clientId: '', userName: undefined, peer: connection.peer }
    // What it sent meanwhile is not read yet: its silence begins now.
    this.reading = new Reading(connection, () => handler.keepAlive.heard(this.#watch))
    this.gate = new AckGate(
      handler.journal,
      (packet) => this.#next.packet(packet),
      () => handler.awaitStore(this),
    )
    this.#watch = handler.keepAlive.watch(this, handler.config.connectDeadlineMs)
  }

  /** The Client Identifier; none until its CONNECT packet is accepted. */
  get id(): string | undefined {
    return this.session?.id
  }

  get phase(): Phase {
    return this.#phase
  }

  get isVersion5(): boolean {
    return this.connection.protocolVersion === 5
  }

  /** Whether messages can be sent to it now. */
  get sendable(): boolean {
    return this.#phase === Phase.Connected && !this.connection.congested && this.connection.open
  }

  packet(packet: ControlPacket): void {
    this.connection.chargePacket(packetWork(packet))
    if (this.#phase !== Phase.Connected) {
      this.#beforeConnected(packet)
      return
    }
    this.handler.keepAlive.heard(this.#watch)
    dispatch(this, packet)
  }

  acknowledge(type: Acknowledgement, packetIdentifier: number, isLast: boolean): void {
    this.connection.chargePacket(acknowledgementWork(type))
    if (this.#phase !== Phase.Connected) {
      this.#beforeConnected({ cmd: acknowledgementName(type), messageId: packetIdentifier })
      return
    }
    if (isLast) this.handler.keepAlive.heard(this.#watch)
    handleAcknowledgement(this, type, packetIdentifier, isLast)
  }

  publish(publish: Publish): void {
    this.connection.chargePacket(publishWork(publish))
    if (this.#phase !== Phase.Connected) {
      if (this.#phase !== Phase.Ended) refuse(this, ReasonCode.ProtocolError, 'client sent publish before CONNACK')
      return
    }
    this.handler.keepAlive.heard(this.#watch)
    handlePublish(this, publish)
  }

  publishRun(run: PublishRun): boolean {
    if (this.#phase !== Phase.Connected) return false
    this.handler.keepAlive.heard(this.#watch)
    if (!handlePublishRun(this, run)) return false
    this.connection.chargePacket(runWork(run))
    return true
  }

  fail(error: ProtocolError): void {
    if (this.#phase === Phase.Ended) return
    const why = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
    if (this.#phase >= Phase.Accepted) {
      this.disconnect(error.reasonCode, why, error.message)
      return
    }
    if (error.clientId !== undefined) this.identity = { ...this.identity, clientId: error.clientId }
    // In MQTT 3 only a version that is not spoken here has an answer; any other CONNECT that is illegal has none, though the
    // reason be one that has a Return Code elsewhere [3.1.1 MQTT-3.1.4-1].
    const { reasonCode } = error
    this.versionRefused = reasonCode === ReasonCode.UnsupportedProtocolVersion
    if (this.isVersion5 || this.versionRefused) refuse(this, reasonCode, why, error.message)
    else this.end(why, { by: 'broker', reasonCode })
  }

  drained(): void {
    this.session?.outbox.pump()
  }

  stopping(): void {
    const end: ClientEnd = { by: 'broker', reasonCode: ReasonCode.ServerShuttingDown }
    if (this.#phase < Phase.Accepted) this.end('server stops', end)
    else this.disconnect(ReasonCode.ServerShuttingDown, 'server stops')
  }

  closed(): void {
    const { by, reason } = this.connection.end ?? { by: 'network', reason: 'network connection lost' }
    this.end(reason, { by })
  }

  /** Its CONNECT was understood; from now on only AUTH and DISCONNECT may come [MQTT-3.1.2-30]. */
  authenticating(): void {
    this.#phase = Phase.Authenticating
    this.connection.authenticating = true
  }

  /** Its CONNECT is accepted: takes what it said, and is watched for silence. @param keepAliveSeconds 0 is no limit. */
  accept(session: Session, request: ConnectRequest, keepAliveSeconds: number): void {
    const { topicAliasMaximum, maximumOutgoingTopicAliases, topicAliasAfter } = this.handler.config
    this.#phase = Phase.Accepted
    this.connection.authenticating = false
    this.session = session
    this.askedForSession = request.expiryIntervalSeconds > 0 || request.expiryShortened
    if (this.isVersion5 && topicAliasMaximum > 0) this.#incomingAliases = new IncomingTopicAliases(topicAliasMaximum)
    const aliases = Math.min(request.topicAliasMaximum, maximumOutgoingTopicAliases)
    if (aliases > 0) this.#outgoingAliases = new OutgoingTopicAliases(aliases, topicAliasAfter)
    this.handler.keepAlive.heard(this.#watch)
    // One and a half times the Keep Alive [MQTT-3.1.2-22].
    this.#silenceLimitMs = keepAliveSeconds * 1500
    this.handler.keepAlive.limit(this.#watch, this.#silenceLimitMs)
    this.handler.due.silentClients.delete(this)
  }

  /** CONNACK has left: messages follow. */
  connected(): void {
    this.#phase = Phase.Connected
    this.session?.outbox.begin(this)
  }

  /** Properties of a packet with this Reason String, if the client wants any [MQTT-3.1.2-29]; empty is none. */
  explained(reasonString: string): { properties?: { reasonString: string } } {
    const isTold = this.wantsReasons && this.isVersion5 && this.handler.config.explainRefusals
    return isTold && reasonString !== '' ? { properties: { reasonString } } : {}
  }

  /** Sends a packet to the client. */
  send(packet: ControlPacket): void {
    this.#next.packet(packet)
  }

  /**
   * Sends an answer once what it promises is durable. A store that is slow makes its clients slow: none is read while too many
   * of its answers wait.
   * @param depends whether it promises something that was appended to the journal in this turn.
   * @param sent called when it has left.
   * @param batch of the store that holds what it promises, if it is not the present one.
   */
  answer(packet: ControlPacket, depends: boolean, sent?: () => void, batch?: number): void {
    this.gate.send(packet, depends, sent, batch)
    if (this.gate.full) this.reading.pause(Pause.Answers)
  }

  /** `answer` for a packet that says Success: it needs no object unless it has to wait. */
  acknowledges(type: Acknowledgement, packetIdentifier: number, depends: boolean): void {
    if (this.#next.acknowledge !== undefined && this.gate.isOpen(depends)) {
      this.#next.acknowledge(type, packetIdentifier, true)
    } else this.answer({ cmd: acknowledgementName(type), messageId: packetIdentifier }, depends)
  }

  /**
   * Fills a PUBLISH packet for this client; `publish` is to follow at once, with a Packet Identifier at QoS 1 and 2.
   * @returns undefined when this client cannot have the message: it is too large for it, or not for its eyes.
   */
  prepare(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): PublishFields | undefined {
    const { mayReceive } = this.handler
    const outgoing: PublishFields = this.handler.outgoing
    if (mayReceive !== undefined && !mayReceive(this.identity, message.topic)) return undefined
    outgoing.message = message
    outgoing.qos = qos
    outgoing.retain = retain
    outgoing.dup = false
    outgoing.packetIdentifier = 0
    outgoing.topicAlias = 0
    outgoing.omitsTopic = false
    outgoing.messageExpiryInterval = -1
    outgoing.subscriptionIdentifiers = NONE
    return this.isVersion5 ? this.#prepareVersion5(outgoing, subscriptionIdentifiers) : outgoing
  }

  /** Sends a PUBLISH packet that was prepared for this client. @param publish the packet that `prepare` returned. */
  sendPublish(publish: Publish): void {
    if (publish.topicAlias !== 0 && !publish.omitsTopic) {
      this.#outgoingAliases?.introduced(publish.message.topic, publish.topicAlias)
    }
    this.#next.publish(publish)
  }

  /** Sends a message at QoS 0, or drops and counts it if the client does not read fast enough. @param message lent. */
  deliverQoS0(message: Message, retain: boolean, subscriptionIdentifiers: readonly number[]): void {
    if (!this.sendable) {
      this.#drop(1)
      return
    }
    this.#dropping = false
    const publish = this.prepare(message, 0, retain, subscriptionIdentifiers)
    if (publish !== undefined) this.sendPublish(publish)
  }

  /** The same for all messages of a run. @returns false, and does nothing, when each takes another form for this client. */
  deliverRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean {
    if (!this.#takesRuns(subscriptionIdentifiers)) return false
    if (!this.sendable) {
      this.#drop(run.count)
      return true
    }
    const { mayReceive } = this.handler
    if (mayReceive !== undefined && !mayReceive(this.identity, run.message.topic)) return true
    this.#dropping = false
    return this.#next.publishRun?.(run) ?? false
  }

  /** Whether all messages of a run at QoS 1 take the same form for this client, which it may have. */
  takesRun({ message, longest }: PublishRun, subscriptionIdentifiers: readonly number[]): boolean {
    const { mayReceive } = this.handler
    if (!this.#takesRuns(subscriptionIdentifiers)) return false
    // Those that it may not have are dropped one by one, and take no room in flight.
    if (longest + ANOTHER_FORM_BYTES > this.connection.maximumPacketSize) return false
    return mayReceive === undefined || mayReceive(this.identity, message.topic)
  }

  /** Sends a run that it takes. @param packetIdentifiers theirs, lent. @returns false when a filter wants each of them. */
  sendRun(run: PublishRun, packetIdentifiers: Uint16Array): boolean {
    return this.#next.publishIdentifiedRun?.(run, packetIdentifiers) ?? false
  }

  /** What its Topic Aliases stand for; undefined when it may not use any. */
  get incomingAliases(): IncomingTopicAliases | undefined {
    return this.#incomingAliases
  }

  /** A message that it published was not accepted: counted, and logged once for each reason. */
  refusedPublish({ topic }: Message, reasonCode: ReasonCode): void {
    this.handler.totals.refusedPublishes += 1
    this.#refused(reasonCode, { topic }, 'Message not accepted', 'the next ones for the same reason are only counted')
  }

  /** It asked for a subscription that it does not get: logged once for each reason, since a packet can hold thousands. */
  refusedSubscription(reasonCode: ReasonCode, why: string): void {
    this.#refused(reasonCode, { why }, 'Subscription refused', 'the next ones for the same reason are not logged')
  }

  #refused(reasonCode: ReasonCode, what: Readonly<Record<string, string>>, text: string, next: string): void {
    const kind = `${reasonCode} ${text}`
    this.#refusals ??= new Set()
    if (this.#refusals.has(kind)) return
    this.#refusals.add(kind)
    this.handler.clientLog.refused(this, reasonCode, what, text, next)
  }

  /**
   * Says why, as far as the version can say it, and ends the connection [MQTT-4.13.1-1].
   * @param reasonString for the client; empty when it is not to know.
   * @param end for the log, where the Reason Code alone does not say it.
   */
  disconnect(
    reasonCode: ReasonCode,
    why: string,
    reasonString = why,
    end: ClientEnd = { by: 'broker', reasonCode },
  ): void {
    if (this.isVersion5 && this.#phase === Phase.Connected) {
      this.send({ cmd: 'disconnect', reasonCode, ...this.explained(reasonString) })
    }
    this.end(why, end)
  }

  /** The time for its CONNECT packet or for a sign of life is over. */
  expire(): void {
    if (this.#phase >= Phase.Accepted && this.connection.paused) {
      // It could not be heard, since we did not listen.
      this.handler.keepAlive.heard(this.#watch)
      this.handler.keepAlive.limit(this.#watch, this.#silenceLimitMs)
    } else if (this.#phase >= Phase.Accepted) {
      this.disconnect(ReasonCode.KeepAliveTimeout, 'silent for 1.5 times the Keep Alive')
    } else this.end(`not connected within connectDeadlineMs, ${this.handler.config.connectDeadlineMs} ms`)
  }

  /**
   * Ends the connection, after what was sent. The session goes on by itself. Ending it twice does no harm.
   * @param why for the log, in a few words.
   */
  end(why: string, end: ClientEnd = endedByBroker): void {
    if (this.#phase === Phase.Ended) return
    const accepted = this.#phase >= Phase.Accepted
    this.#phase = Phase.Ended
    this.handler.clients.delete(this)
    this.handler.keepAlive.cancel(this.#watch)
    this.handler.due.silentClients.delete(this)
    this.gate.clear()
    this.connection.close(why)
    const session = this.session?.client === this ? this.session : undefined
    const expected = end.will ?? (session && willOutcome(session))
    session?.detach()
    const will = session && willOutcomeNow(session, end, expected)
    this.handler.clientLog.ended(this, why, end, accepted, will)
  }

  #beforeConnected(packet: ControlPacket): void {
    if (this.#phase === Phase.Ended) return
    // The first packet must be CONNECT [MQTT-3.1.0-1].
    if (this.#phase === Phase.New && packet.cmd === 'connect') handleConnect(this, packet)
    else if (this.#phase === Phase.Authenticating && packet.cmd === 'auth') handleAuth(this, packet)
    else if (this.#phase !== Phase.New && packet.cmd === 'disconnect')
      this.end('client sent DISCONNECT', { by: 'client' })
    else refuse(this, ReasonCode.ProtocolError, `client sent ${packet.cmd} before CONNACK`)
  }

  #prepareVersion5(publish: PublishFields, subscriptionIdentifiers: readonly number[]): PublishFields | undefined {
    const { message } = publish
    publish.subscriptionIdentifiers = subscriptionIdentifiers
    if (message.expiresAtMs !== Number.POSITIVE_INFINITY) {
      // [MQTT-3.3.2-6]
      publish.messageExpiryInterval = Math.max(0, Math.ceil((message.expiresAtMs - this.handler.now()) / 1000))
    }
    if (this.#outgoingAliases !== undefined && message.topicEnd - message.topicStart > TOPIC_ALIAS_BYTES) {
      const known = this.#outgoingAliases.get(message.topic)
      publish.topicAlias = known || this.#outgoingAliases.propose(message.topic)
      publish.omitsTopic = known !== 0
    }
    if (this.#takesSize(publish)) return publish
    if (publish.topicAlias !== 0 && !publish.omitsTopic) {
      // Without introducing an alias it is three bytes smaller.
      publish.topicAlias = 0
      if (this.#takesSize(publish)) return publish
    }
    // [MQTT-3.1.2-24] [MQTT-3.1.2-25]
    this.handler.totals.tooLarge += 1
    return undefined
  }

  #takesRuns(subscriptionIdentifiers: readonly number[]): boolean {
    return subscriptionIdentifiers.length === 0 && this.#outgoingAliases === undefined
  }

  #takesSize(publish: Publish): boolean {
    const { maximumPacketSize } = this.connection
    return maximumPacketSize === Number.POSITIVE_INFINITY || publishSize(publish, 5) <= maximumPacketSize
  }

  #drop(messages: number): void {
    this.handler.totals.droppedQoS0 += messages
    if (this.#dropping) return
    // Once for each time that it falls behind, not for each message.
    this.#dropping = true
    this.handler.clientLog.readsTooSlowly(this)
  }
}
