import type { QoS } from 'mqtt-packet'
import { Fifo } from '../../src/mqtt/fifo.ts'
import { Inflight } from '../../src/mqtt/inflight.ts'
import type { Message } from '../../src/mqtt/message.ts'
import type { Client } from './client.ts'
import type { MqttHandler } from './mqtt-handler.ts'
import { Outgoing } from './outgoing.ts'
import type { Session } from './session.ts'

/** Messages read from the store at a time, and held in memory at most for a client that is connected. */
const PAGE = 1_000

/** What became of an acknowledgement from the client. */
export type AckResult =
  /** The exchange goes on or is over, as it should. */
  | 'taken'
  /** No message is out under this Packet Identifier. */
  | 'unknown'
  /** One is, but it does not wait for this packet: the client breaks the protocol. */
  | 'wrong'

/**
 * The messages at QoS 1 and 2 on their way to the client of one session, in their order:
 *
 *     (in the store) backlog → queue → in flight → acknowledged
 *
 * In flight is what was sent and not acknowledged, never more than Receive Maximum. The queue waits in memory for room
 * there. The backlog waits in the store: all that comes for a client that is away, and what is too much for memory.
 * Whatever a session that outlives its connection holds is in the store as well.
 */
export class Outbox {
  readonly #session: Session
  readonly #handler: MqttHandler

  readonly #inflight = new Inflight<Outgoing>()
  /** Those in flight that the present connection was not sent yet: they go first, with DUP. */
  readonly #resend = new Fifo<Outgoing>()
  /** How many more PUBLISH packets the client takes now [MQTT-4.9.0-2]. */
  #quota = 0

  readonly #queue = new Fifo<Outgoing>()
  #queueBytes = 0

  // The backlog: what the store has behind this sequence number.
  #backlogAfter = 0
  #backlogCount = 0
  #backlogBytes = 0

  #lastSequence = 0
  /** The store has messages in flight that memory does not know of yet. */
  #restored = false
  /** Messages are being dropped since the bounds are reached; logged once until there is room again. */
  #overflowing = false

  constructor(session: Session, handler: MqttHandler) {
    this.#session = session
    this.#handler = handler
  }

  /** Messages sent and not acknowledged. */
  get inflight(): number {
    return this.#inflight.size
  }

  /** Messages that wait to be sent. */
  get waiting(): number {
    return this.#queue.length + this.#backlogCount
  }

  /** Their bytes. */
  get waitingBytes(): number {
    return this.#queueBytes + this.#backlogBytes
  }

  /** Whether a message would be sent at once. */
  get idle(): boolean {
    return this.#quota > 0 && this.waiting === 0 && this.#resend.length === 0
  }

  /** Takes a message: sends it now, or when its turn comes, or drops it where the bounds say so. @param message lent. */
  add(message: Message, qos: QoS, retain: boolean, subscriptionIdentifiers: readonly number[], shared?: string): void {
    const client = this.#session.client
    const direct = client?.sendable === true && this.idle
    this.#lastSequence += 1
    const sequence = this.#lastSequence
    const queuedAtMs = direct ? 0 : this.#handler.now()
    const outgoing = new Outgoing({ sequence, message, qos, retain, subscriptionIdentifiers, shared, queuedAtMs })
    if (direct) this.#send(client, outgoing, false)
    else this.#wait(outgoing, message)
  }

  /** A connection begins. @param receiveMaximum of the client. Nothing is sent before `pump`. */
  attach(receiveMaximum: number): void {
    this.#quota = Math.min(receiveMaximum, this.#handler.config.maximumInflight)
    // After a restart, what was in flight is at the front of the backlog.
    if (this.#restored) while (this.#queue.length === 0 && this.#load());
    this.#restored = false
    this.#resend.clear()
    for (const outgoing of this.#inflight.values()) {
      outgoing.counted = false
      this.#resend.push(outgoing)
    }
  }

  /** The connection is gone, and the session goes on: what waits is left to the store. */
  detach(): void {
    this.#quota = 0
    this.#resend.clear()
    const next = this.#queue.peek()
    if (next === undefined) return
    this.#backlogAfter = next.sequence - 1
    this.#backlogCount += this.#queue.length
    this.#backlogBytes += this.#queueBytes
    this.#queue.clear()
    this.#queueBytes = 0
  }

  /** Sends what there is room for. */
  pump(): void {
    const client = this.#session.client
    if (client === undefined) return
    while (client.sendable && this.#resend.length > 0) if (!this.#resendNext(client)) return
    while (client.sendable && this.#quota > 0) {
      const next = this.#take()
      if (next === undefined) break
      if (this.#expired(next)) this.#discard(next)
      else this.#send(client, next, true)
    }
    if (this.waiting > 0) return
    this.#overflowing = false
    client.retained?.pump()
  }

  /** PUBACK came. */
  puback(packetIdentifier: number): AckResult {
    const outgoing = this.#inflight.get(packetIdentifier)
    if (outgoing === undefined) return 'unknown'
    if (outgoing.qos !== 1) return 'wrong'
    this.#finish(outgoing)
    return 'taken'
  }

  /** PUBREC came. @param refused with a Reason Code of 0x80 or more, which ends it [MQTT-4.4.0-2]. */
  pubrec(packetIdentifier: number, refused: boolean): AckResult {
    const outgoing = this.#inflight.get(packetIdentifier)
    if (outgoing === undefined) return 'unknown'
    if (outgoing.qos !== 2) return 'wrong'
    if (refused) this.#finish(outgoing)
    else if (!outgoing.received) this.#received(outgoing)
    return 'taken'
  }

  /** PUBCOMP came. */
  pubcomp(packetIdentifier: number): AckResult {
    const outgoing = this.#inflight.get(packetIdentifier)
    if (outgoing === undefined) return 'unknown'
    if (!outgoing.received) return 'wrong'
    this.#finish(outgoing)
    return 'taken'
  }

  /** Takes over what a store holds for the session. */
  restore(queue: { readonly count: number; readonly bytes: number; readonly lastSequence: number }): void {
    this.#restored = true
    this.#lastSequence = queue.lastSequence
    this.#backlogCount = queue.count
    this.#backlogBytes = queue.bytes
    this.#handler.totals.queuedBytes += queue.bytes
  }

  /** The session will end with its connection from now on, and leaves the store: what is there is taken into memory. */
  leaveStore(): void {
    while (this.#load());
  }

  /**
   * The session has ended. @returns those messages of Shared Subscriptions that another member may get: all that were not
   * sent, and those at QoS 1 that were not acknowledged; never one at QoS 2 that was sent [MQTT-4.8.2-5].
   */
  end(): Outgoing[] {
    this.#quota = 0
    const waiting: Outgoing[] = []
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      if (next.shared !== undefined && !this.#expired(next)) waiting.push(next)
    }
    const orphans: Outgoing[] = []
    for (const outgoing of this.#inflight.values()) {
      if (outgoing.shared !== undefined && outgoing.qos === 1) orphans.push(outgoing)
    }
    orphans.push(...waiting)
    return orphans
  }

  #send(client: Client, outgoing: Outgoing, stored: boolean): void {
    const message = outgoing.message!
    const publish = client.prepare(message, outgoing.qos, outgoing.retain, outgoing.subscriptionIdentifiers)
    if (publish === undefined) {
      // Not for this client, as it is now: as if it had been sent [MQTT-3.1.2-25].
      if (stored) this.#record('done', outgoing)
      return
    }
    outgoing.packetIdentifier = this.#inflight.add(outgoing)
    outgoing.counted = true
    this.#quota -= 1
    const { persistent, id: session } = this.#session
    if (persistent) {
      const { sequence, packetIdentifier } = outgoing
      const kept = message.keep()
      outgoing.message = kept
      if (stored) this.#handler.journal.append({ type: 'sent', session, sequence, packetIdentifier })
      else this.#handler.journal.append({ type: 'queued', session, queued: outgoing.record(kept) })
    } else {
      // A session that ends with its connection resends nothing; another member may have to get it.
      outgoing.message = outgoing.shared === undefined ? undefined : message.keep()
    }
    publish.packetIdentifier = outgoing.packetIdentifier
    client.sendPublish(publish)
  }

  /** @returns false when the client takes no more for now. */
  #resendNext(client: Client): boolean {
    const outgoing = this.#resend.peek()!
    // Acknowledged before it was sent again: the acknowledgement of the last connection was on its way.
    const over = this.#inflight.get(outgoing.packetIdentifier) !== outgoing
    if (!over && outgoing.received) {
      client.send({ cmd: 'pubrel', messageId: outgoing.packetIdentifier }) // [MQTT-4.4.0-1]
    } else if (!over) {
      if (this.#quota === 0) return false
      const { message, qos, retain, subscriptionIdentifiers } = outgoing
      const publish = message && client.prepare(message, qos, retain, subscriptionIdentifiers)
      if (publish === undefined) this.#finish(outgoing)
      else {
        outgoing.counted = true
        this.#quota -= 1
        publish.packetIdentifier = outgoing.packetIdentifier
        publish.dup = true // [MQTT-3.3.1-1]
        client.sendPublish(publish)
      }
    }
    this.#resend.shift()
    return true
  }

  #received(outgoing: Outgoing): void {
    outgoing.received = true
    outgoing.message = undefined
    // PUBREL packets go out in the order of PUBREC [MQTT-4.6.0-4], also when they are sent again.
    this.#inflight.moveToEnd(outgoing.packetIdentifier)
    this.#record('pubrec', outgoing)
  }

  /** It is acknowledged. */
  #finish(outgoing: Outgoing): void {
    this.#inflight.delete(outgoing.packetIdentifier)
    if (outgoing.counted) this.#quota += 1
    this.#record('done', outgoing)
  }

  #wait(outgoing: Outgoing, message: Message): void {
    if (!this.#makeRoom(outgoing.size)) return
    const { persistent, id: session, client } = this.#session
    const kept = message.keep()
    if (persistent) this.#handler.journal.append({ type: 'queued', session, queued: outgoing.record(kept) })
    this.#handler.totals.queuedBytes += outgoing.size
    const away = client === undefined || this.#backlogCount > 0 || this.#queue.length >= PAGE
    if (persistent && away) {
      if (this.#backlogCount === 0) this.#backlogAfter = outgoing.sequence - 1
      this.#backlogCount += 1
      this.#backlogBytes += outgoing.size
    } else {
      outgoing.message = kept
      this.#queue.push(outgoing)
      this.#queueBytes += outgoing.size
    }
  }

  /** Takes the next message that waits, from memory or from the store. */
  #take(): Outgoing | undefined {
    // After a restart a page may hold nothing but what was in flight.
    while (this.#queue.length === 0 && this.#load());
    const next = this.#queue.shift()
    if (next === undefined) return undefined
    this.#queueBytes -= next.size
    this.#handler.totals.queuedBytes -= next.size
    return next
  }

  /** Reads a page of the backlog into memory. @returns false when there was none. */
  #load(): boolean {
    if (this.#backlogCount === 0) return false
    const limit = this.#session.client === undefined ? 1 : PAGE
    const page = this.#handler.journal.store.read(this.#session.id, this.#backlogAfter, limit)
    for (const queued of page) {
      const outgoing = Outgoing.restored(queued)
      this.#backlogAfter = outgoing.sequence
      this.#backlogCount -= 1
      this.#backlogBytes -= outgoing.size
      if (outgoing.packetIdentifier > 0) {
        this.#handler.totals.queuedBytes -= outgoing.size
        this.#inflight.restore(outgoing.packetIdentifier, outgoing)
      } else {
        this.#queue.push(outgoing)
        this.#queueBytes += outgoing.size
      }
    }
    if (page.length > 0) return true
    this.#handler.totals.queuedBytes -= this.#backlogBytes
    this.#backlogCount = 0
    this.#backlogBytes = 0
    return false
  }

  /** Makes room for a message of this size, by the policy for a full queue. @returns false when there is none for it. */
  #makeRoom(size: number): boolean {
    if (this.#fits(size)) return true
    const { queueFullPolicy, maximumQueuedMessages, maximumQueuedBytes } = this.#handler.config
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const expired = this.#expired(next)
      if (!expired && (queueFullPolicy !== 'drop-oldest' || maximumQueuedMessages === 0 || size > maximumQueuedBytes)) {
        this.#putBack(next)
        break
      }
      if (expired) this.#discard(next)
      else this.#dropped(next)
      if (this.#fits(size)) return true
    }
    if (this.#fits(size)) return true
    if (queueFullPolicy === 'refuse') this.#handler.totals.refused += 1
    this.#dropped(undefined)
    return false
  }

  #fits(size: number): boolean {
    const { maximumQueuedMessages, maximumQueuedBytes, maximumTotalQueuedBytes } = this.#handler.config
    return (
      this.waiting < maximumQueuedMessages &&
      this.waitingBytes + size <= maximumQueuedBytes &&
      this.#handler.totals.queuedBytes + size <= maximumTotalQueuedBytes
    )
  }

  #putBack(outgoing: Outgoing): void {
    this.#queue.unshift(outgoing)
    this.#queueBytes += outgoing.size
    this.#handler.totals.queuedBytes += outgoing.size
  }

  /** Whether it has waited for too long, before anything of it was sent [MQTT-3.3.2-5]. */
  #expired(outgoing: Outgoing): boolean {
    const nowMs = this.#handler.now()
    const latestMs = outgoing.queuedAtMs + this.#handler.config.maximumQueuedSeconds * 1000
    return nowMs >= latestMs || nowMs >= (outgoing.message?.expiresAtMs ?? Number.POSITIVE_INFINITY)
  }

  #discard(outgoing: Outgoing): void {
    this.#handler.totals.expired += 1
    this.#record('done', outgoing)
  }

  #dropped(outgoing: Outgoing | undefined): void {
    this.#handler.totals.dropped += 1
    if (outgoing !== undefined) this.#record('done', outgoing)
    if (this.#overflowing) return
    this.#overflowing = true
    const { waiting, waitingBytes } = this
    const details = { client: this.#session.id, waiting, waitingBytes, policy: this.#handler.config.queueFullPolicy }
    this.#handler.log.warn(details, 'The queue of a session is full: messages at QoS 1 and 2 are dropped')
  }

  #record(type: 'done' | 'pubrec', { sequence }: Outgoing): void {
    const { persistent, id: session } = this.#session
    if (persistent) this.#handler.journal.append({ type, session, sequence })
  }
}
