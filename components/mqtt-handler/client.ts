import type { Watch } from '../../src/collections/timer-wheel.ts'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { ClientSummary } from '../../src/kinds/client-listener.ts'
import type { ClientSession } from '../../src/kinds/client-session.ts'
import type { Connection } from '../../src/kinds/connection.ts'
import type { ControlPacket, PacketReceiver } from '../../src/kinds/pipeline-stage.ts'
import type { DisconnectOptions, Recipient, RecipientDescription, RecipientInfo } from '../../src/kinds/recipient.ts'
import { type Acknowledgement, acknowledgementName } from '../../src/mqtt/acknowledgement.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { IncomingTopicAliases } from '../../src/mqtt/topic-alias.ts'
import { AckGate, type AnsweredClient } from './ack-gate.ts'
import type { ExpiringClient } from './authentication-expiry.ts'
import type { AuthenticatorRecord } from './authenticators.ts'
import type { AwaitedAnswer, AwaitingClient } from './await-answer.ts'
import type {
  ClientAuthentication,
  ClientCheck,
  ClientContext,
  ClientLateAnswer,
  ClientWork,
} from './client-context.ts'
import { type ClientEnd, describeClient, endedByBroker } from './client-log.ts'
import { type AfterAnswer, type ClientRecord, type ConnectedSince, NOT_CONNECTED } from './client-record.ts'
import type { ConnectRequest } from './connect-request.ts'
import { countEnd } from './count-end.ts'
import { packetTypeOf } from './packet-work.ts'
import { Phase } from './phase.ts'
import type { PublishRate } from './publish-rate.ts'
import { PublishSender } from './publish-sender.ts'
import { Pause, Reading } from './reading.ts'
import { successorOf } from './successor-of.ts'
import type { Terms } from './terms.ts'

/**
 * A client: from the opening of its network connection to the end of it. Holds what is known of the client and what was
 * negotiated with it, and sends to it. `dispatch.ts` takes its packets.
 */
export class Client extends PublishSender implements Recipient, AnsweredClient, AwaitingClient {
  readonly handler: ClientContext<Client>
  /** Who the client is now. A reset puts another object in its place; promises and timers find it here. */
  readonly seat: { client: Client }
  /** Whether its packets are read now. */
  readonly reading: Reading
  #phase: Phase = Phase.New
  #since: ConnectedSince = NOT_CONNECTED
  /** Watched for its CONNECT packet, then for silence. */
  readonly #watch: Watch<Client>

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
  /** Its packet that is handled over several turns. */
  filters: ClientWork | undefined
  /** Answers to its messages that are delivered over several turns. */
  late: Set<ClientLateAnswer> | undefined

  /** Whether what it asks for is refused since the store cannot write. A client of MQTT 3 cannot be told, and waits. */
  get isToldStuck(): boolean {
    return this.isVersion5 && this.handler.broker.journal.pressure === 'stuck'
  }

  /** Answers that wait for the store. */
  readonly gate: AckGate
  /** What its Topic Aliases stand for; undefined when it may not use any. */
  incomingAliases: IncomingTopicAliases | undefined

  /** PUBACK packets that wait in the gate. */
  unanswered = 0

  /** The refusals that were logged for this client. */
  refusals: Set<string> | undefined

  /**
   * @param handed the state of the object that it continues for. `continueClient` completes it.
   * @throws when a broker was replaced, and the new one does not have its session.
   */
  constructor(connection: Connection, next: PacketReceiver, handler: ClientContext<Client>, handed?: ClientRecord) {
    super(connection, next, handler, handed?.sender)
    this.handler = handler
    this.seat = (handed?.seat as { client: Client } | undefined) ?? { client: this }
    this.identity = handed?.identity ?? { clientId: '', userName: undefined, peer: connection.peer }
    this.terms = handed?.terms ?? handler.currentTerms(connection.listener)
    this.reading = new Reading(connection, this, handed?.pauses)
    this.gate = new AckGate(handler.broker.journal, this, handed?.gate)
    if (handed === undefined) {
      this.#watch = handler.keepAlive.watch(this, handler.config.connectDeadlineMs)
      return
    }
    this.session = handed.session && successorOf(handed.session, handed.broker, handler.broker)
    this.#phase = handed.phase
    this.#since = handed.since
    this.owner = handed.owner
    const { authenticatedBy } = handed
    this.authenticatedBy = authenticatedBy === undefined ? undefined : handler.authenticators.handed(authenticatedBy)
    this.askedForSession = handed.askedForSession
    this.versionRefused = handed.versionRefused
    this.wantsReasons = handed.wantsReasons
    const aliases = handed.incomingAliases
    this.incomingAliases = aliases && new IncomingTopicAliases(aliases.maximum, aliases)
    this.unanswered = handed.unanswered
    this.refusals = handed.refusals && new Set(handed.refusals)
    this.#watch = handler.keepAlive.resume(this, handed.watch)
  }

  /** Its state, for the object that continues in its place. Changes nothing. */
  handOver(): ClientRecord {
    const { handler, expiry } = this
    const { heardAtMs, limitMs } = this.#watch
    return {
      sender: this.handOverSender(),
      seat: this.seat,
      phase: this.#phase,
      since: this.#since,
      watch: { heardAtMs, limitMs: this.#phase === Phase.Ended ? 0 : limitMs },
      identity: this.identity,
      owner: this.owner,
      authenticatedBy: this.authenticatedBy?.name,
      expiresAtMs: expiry && handler.authenticationExpiry.expiresAtMs(this),
      session: this.session,
      broker: handler.broker,
      rate: this.rate?.handOver(),
      terms: this.terms,
      askedForSession: this.askedForSession,
      versionRefused: this.versionRefused,
      wantsReasons: this.wantsReasons,
      isConnecting: handler.connecting.has(this),
      pauses: this.reading.handOver(),
      gate: this.gate.handOver(),
      incomingAliases: this.incomingAliases?.handOver(),
      unanswered: this.unanswered,
      refusals: this.refusals,
      authentication: this.authentication?.handOver(),
      awaited: this.awaited?.handOver(),
      check: this.check?.handOver(),
      filters: this.filters?.handOver(),
      late: [...(this.late ?? [])].map(({ record }) => record),
    }
  }

  /** It is complete, and is in the place of the client from now on. */
  takeSeat(handed: ClientRecord): void {
    this.seat.client = this
    if (this.#phase === Phase.Ended) return
    this.session?.continueWith(this)
    if (this.gate.waiting > 0) this.awaitStore()
    this.limitConnecting()
    this.check?.continues()
    this.handler.continues(this, handed)
  }

  /** Another object is in its place for good, or a reset was undone: gives up what it is registered for, and ends nothing. */
  left(): void {
    this.handler.keepAlive.cancel(this.#watch)
    this.check?.left()
    this.handler.left(this)
  }

  /** The reset that put another object in its place was undone. */
  takeBack(): void {
    this.seat.client = this
    for (const late of this.late ?? []) late.takeBack()
    if (this.#phase === Phase.Ended) return
    this.session?.continueWith(this)
    if (this.#phase >= Phase.Accepted) this.handler.userConnections.add(this)
  }

  /** Before its CONNECT is accepted it is held to `connectDeadlineMs`, which a reset may have changed. */
  limitConnecting(): void {
    if (this.#phase < Phase.Accepted) this.handler.keepAlive.limit(this.#watch, this.handler.config.connectDeadlineMs)
  }

  /** False once another object is in its place. */
  get isCurrent(): boolean {
    return this.seat.client === this
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
    if (this.isVersion5 && topicAliasMaximum > 0) this.incomingAliases = new IncomingTopicAliases(topicAliasMaximum)
    const aliases = Math.min(request.topicAliasMaximum, config.maximumOutgoingTopicAliases)
    this.useTopicAliases(aliases, config.topicAliasAfter)
    this.heard()
    // One and a half times the Keep Alive [MQTT-3.1.2-22].
    const silenceLimitMs = keepAliveSeconds * 1500
    this.#since = { atMs: this.handler.broker.now(), keepAliveSeconds, silenceLimitMs }
    keepAlive.limit(this.#watch, silenceLimitMs)
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
      connectedAtMs: this.#since.atMs,
      keepAliveSeconds: this.#since.keepAliveSeconds,
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

  /** Sends DISCONNECT with the Reason Code if the version has it, and ends the connection [MQTT-4.13.1-1]. */
  disconnect(reasonCode: ReasonCode, why: string, options: DisconnectOptions = {}): void {
    if (!this.isCurrent) {
      this.seat.client.disconnect(reasonCode, why, options)
      return
    }
    const { reasonString = why, ...decided } = options
    if (this.isVersion5 && this.#phase === Phase.Connected) {
      this.send({ cmd: 'disconnect', reasonCode, ...this.explained(reasonString) })
    }
    this.end(why, { by: 'broker', reasonCode, ...decided })
  }

  /** The time for CONNECT, or 1.5 times the Keep Alive, is over. */
  expire(): void {
    if (!this.isCurrent) return
    if (this.#phase >= Phase.Accepted && this.connection.paused) {
      // The client was not read meanwhile, so its packets could not be seen.
      this.handler.keepAlive.heard(this.#watch)
      this.handler.keepAlive.limit(this.#watch, this.#since.silenceLimitMs)
    } else if (this.#phase >= Phase.Accepted) {
      this.disconnect(ReasonCode.KeepAliveTimeout, 'silent for 1.5 times the Keep Alive')
    } else this.end(`not connected within connectDeadlineMs, ${this.handler.config.connectDeadlineMs} ms`)
  }

  /**
   * Ends the connection after everything queued is sent. The session continues. A second call has no effect.
   * @param why for the log, in a few words.
   */
  end(why: string, end: ClientEnd = endedByBroker): void {
    if (!this.isCurrent) {
      this.seat.client.end(why, end)
      return
    }
    if (this.#phase === Phase.Ended) return
    const accepted = this.#phase >= Phase.Accepted
    this.#phase = Phase.Ended
    countEnd(this.handler.counters, this.connection.protocolVersion, end, accepted)
    this.handler.keepAlive.cancel(this.#watch)
    this.handler.ended(this)
    this.check?.abandon()
    this.gate.clear()
    this.awaited?.drop()
    for (const late of this.late ?? []) this.handler.lateAnswers.add(late)
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
}
