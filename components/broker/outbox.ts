import type { QoS } from 'mqtt-packet'
import { Fifo } from '../../src/collections/fifo.ts'
import type { AckResult, ClientOutbox } from '../../src/kinds/client-session.ts'
import type { Recipient } from '../../src/kinds/recipient.ts'
import { Inflight } from '../../src/mqtt/inflight.ts'
import type { Message } from '../../src/mqtt/message.ts'
import { MAXIMUM_ACKNOWLEDGED, type PublishRun } from '../../src/mqtt/publish-run.ts'
import type { InflightLimits } from './config.ts'
import { HeldMessages } from './held-messages.ts'
import type { OutboxContext, OutboxOwner } from './outbox-owner.ts'
import { recordDone, recordPubrec, recordSent } from './outbox-records.ts'
import type { OutboxState } from './outbox-state.ts'
import { Outgoing } from './outgoing.ts'
import { OwedPubrels } from './owed-pubrels.ts'
import { SendQuota } from './send-quota.ts'
import { disconnectUnread } from './unreadable-store.ts'
import { WaitingMessages } from './waiting-messages.ts'

/**
 * The messages at QoS 1 and 2 to the client of one session, in their order:
 *
 *     waiting → in flight → acknowledged
 *
 * In flight is what was sent and not acknowledged, at most Receive Maximum. `waiting-messages.ts` has what waits for room there. The
 * store has everything of a session that outlives its connection.
 */
export class Outbox implements ClientOutbox {
  readonly #session: OutboxOwner
  readonly #broker: OutboxContext

  readonly #inflight: Inflight<Outgoing>
  /** Messages in flight whose PUBLISH was not sent over the present connection yet. They are sent before others, with DUP. */
  readonly #resend: Fifo<Outgoing>
  readonly #held: HeldMessages
  readonly #quota: SendQuota
  readonly #owedPubrels: OwedPubrels

  readonly #waiting: WaitingMessages
  #lastSequence = 0

  /** @param handed of the predecessor, at a reset. */
  constructor(session: OutboxOwner, broker: OutboxContext, handed?: OutboxState) {
    this.#session = session
    this.#broker = broker
    this.#inflight = handed?.inflight ?? new Inflight()
    this.#resend = handed?.resend ?? new Fifo()
    this.#held = handed?.held ?? new HeldMessages()
    this.#quota = handed?.quota ?? new SendQuota()
    this.#owedPubrels = handed?.owedPubrels ?? new OwedPubrels()
    this.#waiting = new WaitingMessages(session, broker, this.#inflight, handed?.waiting)
    this.#lastSequence = handed?.lastSequence ?? 0
  }

  /** For a successor. Changes nothing. */
  forSuccessor(): OutboxState {
    return {
      shared: Outgoing.shared,
      inflight: this.#inflight,
      resend: this.#resend,
      held: this.#held,
      quota: this.#quota,
      owedPubrels: this.#owedPubrels,
      waiting: this.#waiting.forSuccessor(),
      lastSequence: this.#lastSequence,
    }
  }

  /** Messages sent and not acknowledged. */
  get inflight(): number {
    return this.#inflight.size
  }

  /** Messages that wait to be sent. */
  get waiting(): number {
    return this.#waiting.count
  }

  /** Whether a message at this QoS would be sent at once. */
  takes(qos: QoS): boolean {
    return this.#quota.hasRoom(qos, this.#inflight.size) && this.#waiting.count === 0 && this.#resend.length === 0
  }

  /** Whether this message would be sent at once. Without room for its content it waits or is dropped. */
  sends(message: Message, qos: QoS, shared: string | undefined): boolean {
    if (this.#session.recipient?.sendable !== true || !this.takes(qos)) return false
    return !this.#keeps(shared) || this.#waiting.fitsAll(message.size)
  }

  /** Sends a message now or in its turn, or drops it, as `WaitingMessages.push`. @param message lent. @returns false if refused. */
  add(message: Message, qos: QoS, retain: boolean, identifiers: readonly number[], shared?: string): boolean {
    const direct = this.sends(message, qos, shared)
    const sequence = this.#lastSequence + 1
    this.#lastSequence = sequence
    if (direct && !this.#keeps(shared)) {
      this.#sendUnkept(this.#session.recipient!, message, qos, retain, identifiers)
      return true
    }
    const queuedAtMs = direct ? 0 : this.#broker.recentMs
    const subscriptionIdentifiers = identifiers
    // One literal: a spread made each message cost twice as much.
    const outgoing = new Outgoing({ sequence, message, qos, retain, subscriptionIdentifiers, shared, queuedAtMs })
    if (direct) this.#send(this.#session.recipient!, outgoing, false)
    return direct || this.#waiting.push(outgoing)
  }

  /**
   * Takes all messages of a run at QoS 1, and sends them.
   * @returns false, and does nothing, if one of them would have to wait or to be kept. Each then follows by `add`.
   */
  addRun(run: PublishRun, subscriptionIdentifiers: readonly number[]): boolean {
    const { recipient: client, persistent } = this.#session
    const { count } = run
    if (persistent || client?.sendable !== true || this.#waiting.count + this.#resend.length > 0) return false
    if (!this.#quota.hasRoomForRun(count, this.#inflight.size)) return false
    if (!client.takesRun(run, subscriptionIdentifiers)) return false
    this.#inflight.addAll(Outgoing.unkept(1), count, identifiers)
    if (!client.sendRun(run, identifiers)) {
      for (let index = 0; index < count; index += 1) this.#inflight.delete(identifiers[index]!)
      return false
    }
    this.#quota.sent(1, count, 0)
    this.#lastSequence += count
    return true
  }

  /**
   * Reads what the store has for a connection that begins: what was in flight before a restart, and the first messages, or all of
   * them. @throws UnreadableStore. The session is as it was then.
   */
  load(all: boolean): void {
    if (this.#waiting.loadInflight()) this.#owedPubrels.restore(this.#inflight)
    this.#waiting.load(all)
  }

  /**
   * A connection begins. `load` has read what it needs. Nothing is sent before `begin`.
   * @param receiveMaximum of the client.
   * @param limits how many messages may be in flight to a client of its version.
   */
  attach(receiveMaximum: number, limits: InflightLimits): void {
    this.#quota.open(receiveMaximum, limits, this.#broker.recentMs)
    this.#resend.clear()
    for (const [, outgoing] of this.#inflight.entries()) {
      outgoing.counted = false
      if (!outgoing.received) this.#resend.push(outgoing)
    }
  }

  /** CONNACK was sent. Sends the outstanding PUBREL packets at once, in their order. PUBLISH packets follow. */
  begin(): void {
    const client = this.#session.recipient
    if (client === undefined) return
    this.#owedPubrels.begin(this.#inflight)
    this.releasePubrels()
    this.pump()
  }

  /**
   * Sends the outstanding PUBREL packets as soon as the store has all PUBREC packets: if the broker lost one in a crash, it would
   * send the message again, and the client would take it for another one.
   */
  releasePubrels(): void {
    const client = this.#session.recipient
    if (this.#owedPubrels.count === 0 || client === undefined) return
    if (this.#isDurable(this.#owedPubrels.lastBatch)) this.#owedPubrels.send(client, this.#inflight)
    else this.#session.awaitStore()
  }

  /** The connection has ended and the session continues: messages that wait are only in the store. */
  detach(): void {
    this.#quota.close()
    this.#resend.clear()
    this.#held.clear()
    this.#owedPubrels.clear()
    this.#waiting.leaveMemory()
  }

  /** Sends what there is room for. Ends the connection if the store cannot be read. */
  pump(): void {
    const client = this.#session.recipient
    if (client === undefined) return
    // What is held comes before what is left to be sent again.
    this.#sendHeld(client)
    while (client.sendable && this.#resend.length > 0) if (!this.#resendNext(client)) return
    try {
      while (client.sendable && this.#quota.hasRoom(1, this.#inflight.size)) {
        const next = this.#waiting.next(this.#quota.hasRoom(2, this.#inflight.size))
        if (next === undefined) break
        this.#send(client, next, true)
      }
    } catch (error) {
      disconnectUnread(client, error)
    }
    if (this.#waiting.count === 0) this.#session.nothingWaits()
  }

  /** A batch of the store is durable: sends the messages that waited for it. @returns whether anything still waits. */
  release(): boolean {
    if (this.#held.count > 0) this.pump()
    return this.#held.count > 0 || this.#owedPubrels.count > 0
  }

  /** PUBACK came. */
  puback(packetIdentifier: number): AckResult {
    if (this.#inflight.deleteIf(packetIdentifier, Outgoing.unkept(1))) {
      if (this.#quota.acknowledged(1, 0)) this.#acknowledgedAll()
      return 'taken'
    }
    const outgoing = this.#inflight.get(packetIdentifier)
    if (outgoing?.qos !== 1) return outgoing === undefined ? 'unknown' : 'wrong'
    this.#finish(packetIdentifier, outgoing)
    return 'taken'
  }

  /** PUBREC came. @param refused with a Reason Code of 0x80 or more, which ends it [MQTT-4.4.0-2]. */
  pubrec(packetIdentifier: number, refused: boolean): AckResult {
    const outgoing = this.#inflight.get(packetIdentifier)
    if (outgoing === undefined) return 'unknown'
    if (outgoing.qos !== 2) return 'wrong'
    if (refused) this.#finish(packetIdentifier, outgoing)
    else if (!outgoing.received) this.#received(packetIdentifier, outgoing)
    return 'taken'
  }

  /** PUBCOMP came. */
  pubcomp(packetIdentifier: number): AckResult {
    const outgoing = this.#inflight.get(packetIdentifier)
    if (outgoing === undefined) return 'unknown'
    if (!outgoing.received) return 'wrong'
    this.#finish(packetIdentifier, outgoing)
    return 'taken'
  }

  /** The messages that wait. */
  get waitingMessages(): WaitingMessages {
    return this.#waiting
  }

  /** Restores the state of the session from the store. */
  restore(queue: { readonly count: number; readonly bytes: number; readonly lastSequence: number }): void {
    this.#lastSequence = queue.lastSequence
    this.#waiting.restore(queue)
  }

  /**
   * The session has ended. @returns those messages of Shared Subscriptions that another member may get: all that were not
   * sent, and those at QoS 1 that were not acknowledged; never one at QoS 2 that was sent [MQTT-4.8.2-5].
   * @throws UnreadableStore. Nothing has changed then.
   */
  end(): Outgoing[] {
    const waiting = this.#waiting.end()
    this.#quota.close()
    const inflight = Array.from(this.#inflight.entries(), ([, outgoing]) => outgoing)
    this.#inflight.clear()
    for (const outgoing of inflight) this.#count(outgoing, 0)
    const movable = waiting.filter(({ packetIdentifier, mayMove }) => packetIdentifier === 0 || mayMove)
    return [...inflight.filter(({ mayMove }) => mayMove), ...movable]
  }

  /** Whether the content of what is in flight is kept: to be sent again, or to another member of a Shared Subscription. */
  #keeps(shared: string | undefined): boolean {
    return shared !== undefined || this.#session.persistent
  }

  /** Sends a message that is never sent again. It needs no object. */
  #sendUnkept(client: Recipient, message: Message, qos: QoS, retain: boolean, identifiers: readonly number[]): void {
    const publish = client.prepare(message, qos, retain, identifiers)
    if (publish === undefined) return
    const outgoing = this.#quota.countsBytes ? Outgoing.unkeptOfSize(qos, message.size) : Outgoing.unkept(qos)
    publish.packetIdentifier = this.#inflight.add(outgoing)
    this.#quota.sent(qos, 1, outgoing.size)
    client.sendPublish(publish)
  }

  #send(client: Recipient, outgoing: Outgoing, stored: boolean): void {
    if (!this.#keeps(outgoing.shared)) {
      const { message, qos, retain, subscriptionIdentifiers } = outgoing
      this.#sendUnkept(client, message!, qos, retain, subscriptionIdentifiers)
      return
    }
    const { journal } = this.#broker
    const held = outgoing.qos === 2 && this.#session.persistent && (this.#held.count > 0 || !journal.isImmediate)
    if (held) {
      this.#enter(outgoing, stored)
      outgoing.unsent = true
      this.#hold(outgoing, journal.lastBatch)
      return
    }
    const publish = client.prepare(outgoing.message!, outgoing.qos, outgoing.retain, outgoing.subscriptionIdentifiers)
    if (publish === undefined) {
      // The client cannot receive it: it counts as sent [MQTT-3.1.2-25].
      if (stored) recordDone(this.#session, this.#broker, outgoing)
      return
    }
    this.#enter(outgoing, stored)
    publish.packetIdentifier = outgoing.packetIdentifier
    client.sendPublish(publish)
  }

  #hold(outgoing: Outgoing, batch: number): void {
    this.#held.hold(outgoing, batch)
    this.#session.awaitStore()
  }

  /** Whether what the store has of this session up to this batch is durable. */
  #isDurable(batch: number): boolean {
    return !this.#session.persistent || this.#broker.journal.durableBatch >= batch
  }

  /** Gives a message its Packet Identifier and its place in the window. */
  #enter(outgoing: Outgoing, stored: boolean): void {
    outgoing.packetIdentifier = this.#inflight.add(outgoing)
    outgoing.counted = true
    this.#quota.sent(outgoing.qos, 1, outgoing.size)
    const kept = outgoing.message!.keep()
    outgoing.message = kept
    this.#count(outgoing, outgoing.inflightCost)
    recordSent(this.#session, this.#broker, outgoing, kept, stored)
  }

  /** Counts what a message in flight costs from now on. */
  #count(outgoing: Outgoing, bytes: number): void {
    this.#waiting.countInflight(bytes - outgoing.inflightBytes)
    outgoing.inflightBytes = bytes
  }

  #sendHeld(client: Recipient): void {
    const { durableBatch } = this.#broker.journal
    while (client.sendable) {
      const outgoing = this.#held.take(durableBatch)
      if (outgoing === undefined) return
      if (this.#awaitsPublish(outgoing)) this.#sendAgain(client, outgoing)
    }
  }

  /** @returns false if the client takes no more at present. */
  #resendNext(client: Recipient): boolean {
    const outgoing = this.#resend.peek()!
    if (this.#awaitsPublish(outgoing)) {
      if (!this.#quota.mayResend(outgoing.qos)) return false
      outgoing.counted = true
      this.#quota.sent(outgoing.qos, 1, outgoing.size)
      // It had to wait for the store over the earlier connection too, or is behind one that waits [MQTT-4.6.0-6].
      const waits = this.#held.count > 0 || !this.#isDurable(this.#held.lastBatch)
      if (outgoing.qos === 2 && outgoing.unsent && waits) this.#hold(outgoing, this.#held.lastBatch)
      else this.#sendAgain(client, outgoing)
    }
    this.#resend.shift()
    return true
  }

  /** False for a message that was acknowledged before it was sent: its PUBREC was answered then, with PUBREL. */
  #awaitsPublish(outgoing: Outgoing): boolean {
    return !outgoing.received && this.#inflight.get(outgoing.packetIdentifier) === outgoing
  }

  /** Sends a message that already has its Packet Identifier and counts as sent. */
  #sendAgain(client: Recipient, outgoing: Outgoing): void {
    const { message, qos, retain, subscriptionIdentifiers, packetIdentifier } = outgoing
    const publish = message && client.prepare(message, qos, retain, subscriptionIdentifiers)
    if (publish === undefined) {
      this.#finish(packetIdentifier, outgoing)
      return
    }
    publish.packetIdentifier = packetIdentifier
    publish.dup = !outgoing.unsent // [MQTT-3.3.1-1] [MQTT-3.3.1-2]
    outgoing.unsent = false
    client.sendPublish(publish)
  }

  #received(packetIdentifier: number, outgoing: Outgoing): void {
    if (outgoing === Outgoing.unkept(2)) {
      this.#inflight.replace(packetIdentifier, Outgoing.unkeptReceived)
      return
    }
    outgoing.pubrecOrder = this.#owedPubrels.nextOrder()
    outgoing.message = undefined
    if (outgoing.inflightBytes > 0) this.#count(outgoing, outgoing.inflightCost)
    // PUBREL packets go out in the order of PUBREC [MQTT-4.6.0-4], also when they are sent again.
    this.#inflight.moveToEnd(packetIdentifier)
    recordPubrec(this.#session, this.#broker, outgoing)
    if (this.#session.persistent) this.#owedPubrels.lastBatch = this.#broker.journal.lastBatch
  }

  /** It is acknowledged. */
  #finish(packetIdentifier: number, outgoing: Outgoing): void {
    this.#inflight.delete(packetIdentifier)
    if (outgoing.counted && this.#quota.acknowledged(outgoing.qos, outgoing.size)) this.#acknowledgedAll()
    if (outgoing.inflightBytes > 0) this.#count(outgoing, 0)
    recordDone(this.#session, this.#broker, outgoing)
  }

  #acknowledgedAll(): void {
    this.#quota.acknowledgedAll(this.#broker.recentMs, this.#waiting.count > 0)
  }
}

/** The Packet Identifiers of a run, for one subscriber after the other. */
const identifiers = new Uint16Array(MAXIMUM_ACKNOWLEDGED)
