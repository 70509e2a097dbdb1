import type { TimerWheel, Watch } from '../../src/collections/timer-wheel.ts'
import type { AuthenticationMethod } from '../../src/kinds/authentication-method.ts'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { ClientSummary } from '../../src/kinds/client-listener.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ListenerOptions } from '../../src/kinds/listener-options.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { DisconnectOptions, Recipient, RecipientDescription, RecipientInfo } from '../../src/kinds/recipient.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { IncomingTopicAliases } from '../../src/mqtt/topic-alias.ts'
import { AckGate, type AfterAnswer, type AnsweredClient } from './ack-gate.ts'
import type { AuthenticationExpiry, ExpiringClient } from './authentication-expiry.ts'
import type { AuthenticatorRecord, Authenticators } from './authenticators.ts'
import type { AwaitedAnswer, AwaitingClient } from './await-answer.ts'
import { type ClientEnd, type ClientLog, describeClient, endedByBroker } from './client-log.ts'
import type { HandlerConfig } from './config.ts'
import type { ConnectRequest } from './connect-request.ts'
import type { Connecting } from './connecting.ts'
import type { HandlerCounters } from './counters.ts'
import { packetTypeOf } from './packet-work.ts'
import { Phase } from './phase.ts'
import type { PublishRate } from './publish-rate.ts'
import { PublishSender, type PublishSenderContext } from './publish-sender.ts'
import { Pause, Reading } from './reading.ts'
import type { Terms } from './terms.ts'
import type { UserConnections } from './user-connections.ts'

/** The part of the handler that all clients use. */
export interface ClientContext extends PublishSenderContext {
  readonly config: HandlerConfig
  readonly broker: ClientBroker
  readonly counters: HandlerCounters
  readonly log: Logger
  readonly clientLog: ClientLog
  /** By their names. */
  readonly authenticationMethods: ReadonlyMap<string, AuthenticationMethod>
  readonly authenticators: Authenticators
  readonly authenticationExpiry: AuthenticationExpiry
  /** Watches each client for its CONNECT packet, then for silence. */
  readonly keepAlive: TimerWheel<Client>
  /** Clients whose CONNECT came, and which are not accepted yet. */
  readonly connecting: Connecting<Client>
  /** The connected clients of each user. */
  readonly userConnections: UserConnections<Client>
  /** The terms for clients of this listener that connect now. */
  currentTerms(listener: ListenerOptions): Terms
  /** The connection of this client has ended. */
  ended(client: Client): void
  /** The client is accepted, and may be silent for as long as its Keep Alive says. */
  accepted(client: Client): void
}

/** The check of the user name and password of one client. */
export interface ClientCheck {
  /** The connection has ended. */
  abandon(): void
}

/** The enhanced authentication of one client. */
export interface ClientAuthentication {
  /** The name of the method, which every AUTH packet repeats [MQTT-4.12.0-5]. */
  readonly method: string
  /** Whether an exchange is in progress. */
  readonly underWay: boolean
  /** Takes the next packet of the exchange. */
  step(data: Uint8Array | undefined): void
  /** Begins a re-authentication. */
  reauthenticate(data: Uint8Array | undefined): void
}

/**
 * A client: from the opening of its network connection to the end of it. Holds what is known of the client and what was
 * negotiated with it, and sends to it. `dispatch.ts` takes its packets.
 */
export class Client extends PublishSender implements Recipient, AnsweredClient, AwaitingClient {
  readonly handler: ClientContext
  /** Whether its packets are read now. */
  readonly reading: Reading
  #phase: Phase = Phase.New
  #connectedAtMs = 0
  #keepAliveSeconds = 0
  /** Watched for its CONNECT packet, then for silence. */
  readonly #watch: Watch<Client>
  /** The silence that it is allowed, once it is accepted. */
  #silenceLimitMs = 0

  // The identity, set when CONNECT arrives, and the session, set when CONNECT is accepted.
  identity: Identity
  /** The user that it proved to be. */
  owner: string | undefined
  /** The authenticator that allowed it, and that may revoke that. */
  authenticatedBy: AuthenticatorRecord | undefined
  /** The watch for the end of its authentication, if that has one. */
  expiry: Watch<ExpiringClient> | undefined
  session: ClientSession | undefined
  /** The limits of what it publishes; undefined if it has none. */
  rate: PublishRate | undefined
  /** What CONNACK told the client. The client is held to it. */
  terms: Terms
  /** Whether the Session Expiry Interval that it asked for, granted or not, was more than 0. */
  askedForSession = false
  /** Its enhanced authentication, if it has one. */
  authentication: ClientAuthentication | undefined
  /** The answer that it waits for: of an authentication method, or a claim of its session. */
  awaited: AwaitedAnswer | undefined
  /** The check of its user name and password, from its CONNECT on. */
  check: ClientCheck | undefined
  /** The client uses an unsupported version. The version of its connection is that of the answer. */
  versionRefused = false
  /** Request Problem Information: whether it wants reason strings. */
  wantsReasons = true

  /** Whether what it asks for is refused since the store cannot write. A client of MQTT 3 cannot be told, and waits. */
  get isToldStuck(): boolean {
    return this.isVersion5 && this.handler.broker.journal.pressure === 'stuck'
  }

  /** Answers that wait for the store. */
  readonly gate: AckGate
  #incomingAliases: IncomingTopicAliases | undefined

  /** PUBACK packets that wait in the gate. */
  unanswered = 0

  /** The refusals that were logged for this client. */
  #refusals: Set<string> | undefined

  constructor(connection: Connection, next: PacketReceiver, handler: ClientContext) {
    super(connection, next, handler)
    this.handler = handler
    this.identity = { clientId: '', userName: undefined, peer: connection.peer }
    this.terms = handler.currentTerms(connection.listener)
    this.reading = new Reading(connection, this)
    this.gate = new AckGate(handler.broker.journal, this)
    this.#watch = handler.keepAlive.watch(this, handler.config.connectDeadlineMs)
  }

  /** The Client Identifier; none until its CONNECT packet is accepted. */
  get id(): string | undefined {
    return this.session?.id
  }

  get phase(): Phase {
    return this.#phase
  }

  /** Whether messages can be sent to it now. */
  get sendable(): boolean {
    return this.#phase === Phase.Connected && !this.connection.congested && this.connection.open
  }

  /** A packet arrived: a sign of life. */
  heard(): void {
    this.handler.keepAlive.heard(this.#watch)
  }

  /** Its CONNECT was understood. Until the client is accepted, only AUTH and DISCONNECT may come [MQTT-3.1.2-30]. */
  authenticating(): void {
    this.#phase = Phase.Authenticating
    this.connection.authenticating = true
  }

  /**
   * CONNECT is accepted: stores its values and begins to watch the Keep Alive.
   * @param terms what CONNACK tells it. @param keepAliveSeconds 0 is no limit.
   */
  accept(session: ClientSession, request: ConnectRequest, terms: Terms, keepAliveSeconds: number): void {
    const { config, keepAlive } = this.handler
    this.#phase = Phase.Accepted
    this.connection.authenticating = false
    this.session = session
    this.terms = terms
    this.askedForSession = request.expiryIntervalSeconds > 0 || request.expiryShortened
    const { topicAliasMaximum } = terms
    if (this.isVersion5 && topicAliasMaximum > 0) this.#incomingAliases = new IncomingTopicAliases(topicAliasMaximum)
    const aliases = Math.min(request.topicAliasMaximum, config.maximumOutgoingTopicAliases)
    this.useTopicAliases(aliases, config.topicAliasAfter)
    this.heard()
    this.#connectedAtMs = this.handler.broker.now()
    this.#keepAliveSeconds = keepAliveSeconds
    // One and a half times the Keep Alive [MQTT-3.1.2-22].
    this.#silenceLimitMs = keepAliveSeconds * 1500
    keepAlive.limit(this.#watch, this.#silenceLimitMs)
    this.handler.accepted(this)
  }

  /** An answer with an effect was sent. */
  answerLeft(then: AfterAnswer): void {
    if (then === 'answered') {
      this.unanswered -= 1
      return
    }
    // CONNACK was sent: messages follow.
    this.reading.resume(Pause.Connack)
    this.#phase = Phase.Connected
    this.session?.outbox.begin()
  }

  awaitStore(): void {
    if (this.session !== undefined) this.handler.broker.awaitStore(this.session)
  }

  releaseAnswers(): boolean {
    if (this.gate.waiting > 0) {
      this.gate.release()
      if (!this.gate.full) this.reading.resume(Pause.Answers)
    }
    return this.gate.waiting > 0
  }

  chargeWork(units: number): void {
    this.connection.chargeWork(units)
  }

  pauseForPublication(): void {
    this.reading.pause(Pause.Publication)
  }

  resumeAfterPublication(): void {
    // The message may be that of an earlier connection.
    this.gate.resumed()
    this.reading.resume(Pause.Publication)
  }

  describe(): RecipientDescription {
    return describeClient(this)
  }

  /** The client, for those who watch clients. Call it when CONNECT was accepted. */
  summary(): ClientSummary {
    return { id: this.identity.clientId, userName: this.identity.userName, peer: this.connection.peer, ...this.info() }
  }

  info(): RecipientInfo {
    const { protocolVersion, pendingBytes, bytesReceived } = this.connection
    return {
      protocolVersion: protocolVersion || 4,
      connectedAtMs: this.#connectedAtMs,
      keepAliveSeconds: this.#keepAliveSeconds,
      pendingBytes,
      bytesReceived,
    }
  }

  /** Properties of a packet with this Reason String, if the client wants any [MQTT-3.1.2-29]; empty is none. */
  explained(reasonString: string): { properties?: { reasonString: string } } {
    const isTold = this.wantsReasons && this.isVersion5 && this.handler.config.explainRefusals
    return isTold && reasonString !== '' ? { properties: { reasonString } } : {}
  }

  /** Sends a packet to the client. */
  send(packet: ControlPacket): void {
    this.handler.counters.packetsOut[packetTypeOf(packet)]! += 1
    this.next.packet(packet)
  }

  /**
   * Sends an answer once what it promises is durable. The client is not read while too many of its answers wait.
   * @param depends whether it promises something that was appended to the journal in this turn.
   * @param then what follows when it has left.
   * @param batch of the store that holds what it promises, if it is not the present one.
   */
  answer(packet: ControlPacket, depends: boolean, then?: AfterAnswer, batch?: number): void {
    this.gate.send(packet, depends, then, batch)
    if (this.gate.full) this.reading.pause(Pause.Answers)
  }

  /** `answer` for a packet that says Success: it needs no object unless it has to wait. */
  acknowledges(type: Acknowledgement, packetIdentifier: number, depends: boolean, batch?: number): void {
    if (this.next.acknowledge !== undefined && this.gate.isOpen(depends, batch)) {
      this.handler.counters.packetsOut[type]! += 1
      this.next.acknowledge(type, packetIdentifier, true)
    } else this.answer({ cmd: acknowledgementName(type), messageId: packetIdentifier }, depends, undefined, batch)
  }

  sendPubrel(packetIdentifier: number): void {
    this.send({ cmd: 'pubrel', messageId: packetIdentifier })
  }

  /** What its Topic Aliases stand for; undefined when it may not use any. */
  get incomingAliases(): IncomingTopicAliases | undefined {
    return this.#incomingAliases
  }

  /** Reports that a message of the client was not accepted. Counted, and logged once for each reason. */
  refusedPublish({ topic }: Message, reasonCode: ReasonCode): void {
    this.handler.counters.refusedPublishes += 1
    this.#refused(reasonCode, { topic }, 'Message not accepted', 'the next ones for the same reason are only counted')
  }

  /** Reports that a subscription was refused. Logged once for each reason, since a packet can contain thousands. */
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

  /** Sends DISCONNECT with the Reason Code if the version has it, and ends the connection [MQTT-4.13.1-1]. */
  disconnect(reasonCode: ReasonCode, why: string, options: DisconnectOptions = {}): void {
    const { reasonString = why, ...decided } = options
    if (this.isVersion5 && this.#phase === Phase.Connected) {
      this.send({ cmd: 'disconnect', reasonCode, ...this.explained(reasonString) })
    }
    this.end(why, { by: 'broker', reasonCode, ...decided })
  }

  /** The time for CONNECT, or 1.5 times the Keep Alive, is over. */
  expire(): void {
    if (this.#phase >= Phase.Accepted && this.connection.paused) {
      // The client was not read meanwhile, so its packets could not be seen.
      this.handler.keepAlive.heard(this.#watch)
      this.handler.keepAlive.limit(this.#watch, this.#silenceLimitMs)
    } else if (this.#phase >= Phase.Accepted) {
      this.disconnect(ReasonCode.KeepAliveTimeout, 'silent for 1.5 times the Keep Alive')
    } else this.end(`not connected within connectDeadlineMs, ${this.handler.config.connectDeadlineMs} ms`)
  }

  /**
   * Ends the connection after everything queued is sent. The session continues. A second call has no effect.
   * @param why for the log, in a few words.
   */
  end(why: string, end: ClientEnd = endedByBroker): void {
    if (this.#phase === Phase.Ended) return
    const accepted = this.#phase >= Phase.Accepted
    this.#phase = Phase.Ended
    this.#countEnd(end, accepted)
    this.handler.keepAlive.cancel(this.#watch)
    this.handler.ended(this)
    this.check?.abandon()
    this.gate.clear()
    this.awaited?.drop()
    this.connection.close(why)
    const session = this.session?.recipient === this ? this.session : undefined
    const will = session?.detach(end.will, end.takenOverBy !== undefined)
    this.handler.clientLog.ended(this, why, end, accepted, will)
    if (accepted) this.#tellEnd(why, end)
  }

  protected readsTooSlowly(): void {
    this.handler.clientLog.readsTooSlowly(this)
  }

  #tellEnd(why: string, { by, reasonCode, sentDisconnect }: ClientEnd): void {
    const code = sentDisconnect ? (reasonCode ?? ReasonCode.Success) : reasonCode
    this.handler.broker.watch?.disconnected(this.summary(), { by, reasonCode: code, why })
  }

  #countEnd({ by, reasonCode, sentDisconnect }: ClientEnd, accepted: boolean): void {
    const { counters } = this.handler
    if (accepted) counters.connectedByVersion[this.connection.protocolVersion]! -= 1
    if (!accepted) {
      if (by === 'broker') counters.refusals[reasonCode ?? ReasonCode.UnspecifiedError]! += 1
    } else if (by === 'broker') counters.disconnectsByBroker[reasonCode ?? ReasonCode.UnspecifiedError]! += 1
    else if (sentDisconnect) counters.disconnectsByClient[reasonCode ?? 0]! += 1
    else counters.lostConnections += 1
  }
}
