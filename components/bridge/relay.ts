import type { QoS } from 'mqtt-packet'
import type { Identity } from '../../src/kinds/authorizer.ts'
import type { ClientBroker } from '../../src/kinds/client-broker.ts'
import type { AckResult, ClientSession } from '../../src/kinds/client-session.ts'
import type { Recipient, RecipientDescription, RecipientInfo } from '../../src/kinds/recipient.ts'
import type { TurnTask } from '../../src/kinds/turn-scheduler.ts'
import type { Acknowledgement } from '../../src/mqtt/acknowledgement.ts'
import { describeReasonCode } from '../../src/mqtt/describe-reason-code.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { PacketType, packetTypeName } from '../../src/mqtt/packet-type.ts'
import type { Publish, PublishFields } from '../../src/mqtt/publish.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { encodeAcknowledgement, readAcknowledgement } from './acknowledgements.ts'
import { Answers } from './answers.ts'
import type { BridgeCounters } from './counters.ts'
import type { Frame } from './frame-reader.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import type { PoisonMessage, PoisonWatch } from './poison-watch.ts'
import { ReleaseSweep } from './release-sweep.ts'
import { disconnectReason, isAboutMessage, type RemoteLink } from './remote-link.ts'
import type { RemoteSession } from './remote-session.ts'
import { type RemoteTerms, readSuback } from './remote-terms.ts'
import type { TopicMap } from './topic-map.ts'

export interface RelayContext {
  readonly broker: ClientBroker
  readonly identity: Identity
  readonly counters: BridgeCounters
  readonly topics: TopicMap
  readonly hop: Buffer | undefined
  readonly maximumHops: number
  // Of all connections of the bridge.
  readonly poison: PoisonWatch
  readonly remoteSession: RemoteSession
  /** For the log. */
  readonly description: RecipientDescription
  /** The remote broker refuses a filter. */
  subscriptionRefused(filter: string, reasonCode: number): void
  /** One of both brokers refuses a message. */
  messageRefused(by: 'here' | 'remote', reasonCode: number, topic: string): void
  /** A message is given up: the remote broker ends each connection over which it is sent. */
  messageDropped(message: PoisonMessage): void
  /** A message from the remote broker is given up: this broker cannot take it. */
  unacceptable(topic: string, size: number, why: string): void
  /** Messages flow from now on. */
  ready(): void
}

/** Units of work of a packet from the remote broker, apart from what its message causes. */
const PACKET_UNITS = 15

/**
 * The bridge while it is connected. For this broker it is a client: the recipient of a session. Each acknowledgement of the remote broker
 * goes to that session under the same Packet Identifier, and each of this broker goes back in the same way. So the state of QoS 1 and 2
 * is in the sessions of both brokers alone, and survives the connection and the process.
 */
export class Relay implements Recipient, TurnTask {
  readonly isVersion5 = true
  readonly #context: RelayContext
  readonly #link: RemoteLink
  readonly #terms: RemoteTerms
  readonly #outgoing: Outgoing
  #session: ClientSession | undefined
  #incoming: Incoming | undefined
  readonly #answers: Answers
  #sweep: ReleaseSweep | undefined
  /** Whether messages may be sent: both sides have their subscriptions. */
  #hasBegun = false
  #isPaused = false
  #isProcessing = false
  #subscribeIdentifier = 0

  constructor(context: RelayContext, link: RemoteLink, terms: RemoteTerms) {
    const { broker, counters, hop, maximumHops, topics } = context
    this.#context = context
    this.#link = link
    this.#terms = terms
    const isVersion5 = link.version === 5
    const toRemote = (topic: string) => topics.toRemote(topic)
    this.#outgoing = new Outgoing({ broker, counters, terms, isVersion5, hop, maximumHops, toRemote })
    this.#answers = new Answers(
      broker.journal,
      (bytes) => link.write(bytes),
      () => broker.awaitStore(this.#session!),
    )
  }

  get identity(): Identity {
    return this.#context.identity
  }

  /** Messages flow. */
  get isReady(): boolean {
    return this.#hasBegun && !this.#link.isClosed
  }

  get sendable(): boolean {
    return this.isReady && !this.#link.congested && this.#context.poison.mayPublish
  }

  /**
   * The session at this broker is open: subscribes at the remote broker, and then begins.
   * @param isFresh whether this broker does not know what an earlier session sent under which Packet Identifier.
   */
  begin(session: ClientSession, isFresh: boolean): void {
    this.#session = session
    const { broker, counters, hop, maximumHops, topics, remoteSession } = this.#context
    this.#incoming = new Incoming({
      ...{ broker, session, remoteSession, counters, hop, maximumHops, version: this.#link.version },
      toLocal: (topic) => topics.toLocal(topic),
      unacceptable: (topic, size, why) => this.#context.unacceptable(topic, size, why),
      answer: (type, identifier, reasonCode) => this.#answer(type, identifier, reasonCode),
      refusedHere: (topic, reasonCode) => {
        counters.refusedHere += 1
        this.#context.messageRefused('here', reasonCode, topic)
      },
    })
    if (!this.#terms.sessionPresent) this.#incoming.forget()
    const mustRelease = isFresh && this.#terms.sessionPresent && topics.localFilters.some(({ qos }) => qos === 2)
    if (mustRelease) {
      this.#sweep = new ReleaseSweep(
        (bytes) => {
          this.#link.awaitAnswer('PUBREL')
          this.#link.write(bytes)
        },
        this.#link.version === 5,
        () => {
          this.#sweep = undefined
          this.#subscribe()
        },
      )
      this.#sweep.begin()
    } else this.#subscribe()
    this.process()
  }

  /** Takes the packets that have come, as far as the work of the turn allows it. */
  process(): void {
    if (this.#isProcessing || this.#incoming === undefined) return
    this.#isProcessing = true
    const { scheduler } = this.#context.broker
    try {
      while (!this.#isPaused && !this.#answers.isFull && !this.#link.blocked && scheduler.mayGoOn(this)) {
        const frame = this.#link.next()
        if (frame === undefined) break
        scheduler.spend(PACKET_UNITS)
        this.#take(frame)
      }
    } catch (error) {
      this.#link.close((error as Error).message)
    } finally {
      this.#isProcessing = false
    }
  }

  resume(): void {
    this.process()
  }

  drained(): void {
    if (this.isReady) this.#session!.outbox.pump()
    this.process()
  }

  /** The connection has ended: the session waits for the next one. */
  ended(): void {
    const { scheduler } = this.#context.broker
    scheduler.delete(this)
    this.#answers.clear()
    const dropped = this.#context.poison.ended(this.#link.endedByRemote)
    if (this.#session?.recipient !== this) return
    if (dropped !== undefined) this.#drop(dropped)
    this.#session.detach(undefined, false)
  }

  prepare(message: Message, qos: QoS, retain: boolean): PublishFields | undefined {
    const { mayReceive } = this.#context.broker
    if (mayReceive !== undefined && !mayReceive(this.identity, message.topic)) {
      this.#context.counters.refusedHere += 1
      this.#context.messageRefused('here', ReasonCode.NotAuthorized, message.topic)
      return undefined
    }
    return this.#outgoing.prepare(message, qos, retain)
  }

  sendPublish(publish: Publish): void {
    const { qos, packetIdentifier, dup, message } = publish
    this.#context.counters.sent[qos] += 1
    const bytes = this.#outgoing.encode(publish)
    this.#link.write(bytes)
    const isAcknowledged = qos > 0 && this.#terms.maximumQoS > 0
    this.#context.poison.sent(isAcknowledged ? packetIdentifier : 0, dup, message.topic, bytes.length)
    // The remote broker takes a lower QoS only and has no acknowledgement for this message.
    if (qos > 0 && !isAcknowledged) process.nextTick(() => this.#completed(packetIdentifier, qos))
  }

  deliverQoS0(message: Message, retain: boolean): void {
    if (!this.sendable) {
      this.#context.counters.droppedQoS0 += 1
      return
    }
    const publish = this.prepare(message, 0, retain)
    if (publish !== undefined) this.sendPublish(publish)
  }

  deliverRun(): boolean {
    return false
  }

  takesRun(): boolean {
    return false
  }

  sendRun(): boolean {
    return false
  }

  sendPubrel(packetIdentifier: number): void {
    this.#link.write(encodeAcknowledgement(PacketType.Pubrel, packetIdentifier, this.#link.version === 5))
  }

  chargeWork(units: number): void {
    this.#context.broker.scheduler.spend(units)
  }

  pauseForPublication(): void {
    this.#isPaused = true
  }

  resumeAfterPublication(): void {
    this.#isPaused = false
    this.process()
  }

  releaseAnswers(): boolean {
    this.#answers.release()
    if (!this.#answers.isFull) this.process()
    return this.#answers.waiting > 0
  }

  disconnect(_reasonCode: ReasonCode, why: string): void {
    this.#link.close(`this broker ended it: ${why}`)
  }

  describe(): RecipientDescription {
    return this.#context.description
  }

  info(): RecipientInfo {
    const { version, connectedAtMs, pendingBytes, bytesReceived } = this.#link
    return { protocolVersion: version, connectedAtMs, keepAliveSeconds: 0, pendingBytes, bytesReceived }
  }

  #take(frame: Frame): void {
    const type = frame.firstByte >> 4
    switch (type) {
      case PacketType.Publish:
        this.#incoming!.publish(frame)
        break
      case PacketType.Puback:
      case PacketType.Pubrec:
      case PacketType.Pubrel:
      case PacketType.Pubcomp:
        this.#takeAcknowledgement(type, frame)
        break
      case PacketType.Suback:
        this.#takeSuback(frame)
        break
      case PacketType.Pingresp:
        break
      case PacketType.Disconnect:
        this.#link.close(disconnectReason(frame), isAboutMessage(frame))
        break
      default:
        throw new Error(`it sent ${packetTypeName(type)}, which a broker may not send here`)
    }
  }

  #takeAcknowledgement(type: Acknowledgement, frame: Frame): void {
    const { packetIdentifier, reasonCode } = readAcknowledgement(frame)
    const { outbox } = this.#session!
    const isRefusal = reasonCode >= ReasonCode.UnspecifiedError
    switch (type) {
      case PacketType.Pubrel:
        this.#incoming!.pubrel(packetIdentifier)
        return
      case PacketType.Puback:
        this.#context.poison.answered(packetIdentifier)
        if (isRefusal) this.#refused(reasonCode)
        // A message at QoS 2 was sent at QoS 1, since the remote broker takes no higher one.
        if (this.#terms.maximumQoS === 1 && outbox.puback(packetIdentifier) === 'wrong')
          this.#completed(packetIdentifier, 2)
        else if (this.#terms.maximumQoS !== 1) this.#check(outbox.puback(packetIdentifier), 'PUBACK')
        break
      case PacketType.Pubrec:
        this.#takePubrec(packetIdentifier, reasonCode)
        break
      case PacketType.Pubcomp:
        if (this.#sweep !== undefined) {
          this.#sweep.pubcomp()
          return
        }
        this.#check(outbox.pubcomp(packetIdentifier), 'PUBCOMP')
    }
    if (this.isReady) outbox.pump()
  }

  #takePubrec(packetIdentifier: number, reasonCode: number): void {
    const isRefusal = reasonCode >= ReasonCode.UnspecifiedError
    this.#context.poison.answered(packetIdentifier)
    const result = this.#session!.outbox.pubrec(packetIdentifier, isRefusal)
    this.#check(result, 'PUBREC')
    if (isRefusal) this.#refused(reasonCode)
    else {
      const known = result === 'taken' ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound
      this.#answer(PacketType.Pubrel, packetIdentifier, known)
    }
  }

  /** The remote broker has acknowledged a message at a lower QoS than that of the session. */
  #completed(packetIdentifier: number, qos: QoS): void {
    if (this.#session?.recipient !== this) return
    const { outbox } = this.#session
    if (qos === 1) outbox.puback(packetIdentifier)
    else if (outbox.pubrec(packetIdentifier, false) === 'taken') outbox.pubcomp(packetIdentifier)
    if (this.isReady) outbox.pump()
  }

  /**
   * A message at QoS 2 continues with PUBREL over the next connection: the remote broker may have kept its Packet Identifier, and would
   * take a later message for this one.
   */
  #drop(message: PoisonMessage): void {
    const { outbox } = this.#session!
    const { packetIdentifier } = message
    if (outbox.puback(packetIdentifier) === 'wrong') outbox.pubrec(packetIdentifier, false)
    // It was sent at QoS 1, for which there is no PUBREL.
    if (this.#terms.maximumQoS < 2) outbox.pubcomp(packetIdentifier)
    this.#context.messageDropped(message)
  }

  #check(result: AckResult, packet: string): void {
    if (result === 'wrong') throw new Error(`it sent ${packet} for a message that waits for another acknowledgement`)
  }

  #refused(reasonCode: number): void {
    this.#context.counters.refusedByRemote += 1
    this.#context.messageRefused('remote', reasonCode, '')
  }

  #answer(type: Acknowledgement, packetIdentifier: number, reasonCode: ReasonCode): void {
    if (this.#link.isClosed) return
    this.#answers.add(encodeAcknowledgement(type, packetIdentifier, this.#link.version === 5, reasonCode))
  }

  /** Before any message is sent: its Packet Identifier cannot be one of theirs, but for one that an earlier connection sent. */
  #subscribe(): void {
    const { remoteFilters } = this.#context.topics
    if (remoteFilters.length === 0) {
      this.#start()
      return
    }
    this.#subscribeIdentifier = 0xffff - (this.#context.counters.connections % 100)
    const isVersion5 = this.#link.version === 5
    this.#link.awaitAnswer('SUBSCRIBE')
    this.#link.subscribe({
      ...{ cmd: 'subscribe', messageId: this.#subscribeIdentifier },
      subscriptions: remoteFilters.map(({ filter, qos }) => ({
        topic: filter,
        qos: Math.min(qos, this.#terms.maximumQoS) as QoS,
        // Retain Handling 0 for a new session, or if a message at QoS 0 may have been missed.
        ...(isVersion5 && { nl: true, rap: true, rh: this.#terms.sessionPresent && qos > 0 ? 1 : 0 }),
      })),
    })
  }

  #takeSuback(frame: Frame): void {
    if (frame.bytes.readUInt16BE(frame.start) !== this.#subscribeIdentifier) return
    const { remoteFilters } = this.#context.topics
    for (const [index, reasonCode] of readSuback(frame, this.#link.version).entries()) {
      // Another connection uses another Packet Identifier.
      if (reasonCode === ReasonCode.PacketIdentifierInUse) throw new Error(describeReasonCode(reasonCode))
      if (reasonCode >= ReasonCode.UnspecifiedError) {
        this.#context.subscriptionRefused(remoteFilters[index]?.filter ?? '', reasonCode)
      }
    }
    if (!this.#hasBegun) this.#start()
  }

  #start(): void {
    this.#link.answered()
    this.#hasBegun = true
    this.#context.ready()
    this.#session!.outbox.begin()
  }
}
