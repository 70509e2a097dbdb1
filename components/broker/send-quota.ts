import type { QoS } from 'mqtt-packet'
import type { InflightLimits } from './config.ts'
import { InflightWindow } from './inflight-window.ts'

/**
 * The number of messages at QoS 1 and 2 that may be sent to one client before it acknowledges others (section 4.9). It depends
 * on Receive Maximum, the limits of the config, and how promptly the client acknowledges.
 */
export class SendQuota {
  /** How many PUBLISH packets the client may have been sent and not acknowledged [MQTT-4.9.0-2]. */
  readonly #window = new InflightWindow()
  /** How many it was sent over this connection and has not acknowledged, and those at QoS 2 among them. */
  #sent = 0
  #sentAtQoS2 = 0
  /** Their bytes, and how many there may be; Infinity is no limit, and they are not counted then. */
  #sentBytes = 0
  #limitBytes = Number.POSITIVE_INFINITY
  /** How many there may be at QoS 2. */
  #limitAtQoS2 = 0
  /** How many messages may be in flight, over all connections of the client. */
  #limit = 0

  /** One of an earlier generation of the code, at a reset. It is not used any more. */
  static from(before: Pick<SendQuota, 'handOver'>): SendQuota {
    const quota = new SendQuota()
    const { window, numbers } = before.handOver()
    quota.#window.takeOver(window)
    const [sent = 0, sentAtQoS2 = 0, sentBytes = 0, limitBytes = 0, limitAtQoS2 = 0, limit = 0] = numbers
    quota.#sent = sent
    quota.#sentAtQoS2 = sentAtQoS2
    quota.#sentBytes = sentBytes
    quota.#limitBytes = limitBytes
    quota.#limitAtQoS2 = limitAtQoS2
    quota.#limit = limit
    return quota
  }

  handOver(): { readonly window: readonly number[]; readonly numbers: readonly number[] } {
    const numbers = [this.#sent, this.#sentAtQoS2, this.#sentBytes, this.#limitBytes, this.#limitAtQoS2, this.#limit]
    return { window: this.#window.handOver(), numbers }
  }

  /** A connection begins. @param receiveMaximum of the client. @param limits for a client of its version. */
  open(receiveMaximum: number, { first, most, mostAtQoS2, mostBytes }: InflightLimits, nowMs: number): void {
    this.#limit = most
    this.#limitAtQoS2 = mostAtQoS2
    this.#limitBytes = mostBytes
    this.#sentBytes = 0
    this.#window.open(first, Math.min(receiveMaximum, most), nowMs)
    this.#sent = 0
    this.#sentAtQoS2 = 0
  }

  /** Whether the bytes in flight are limited: the size of each message must be known when it is acknowledged. */
  get countsBytes(): boolean {
    return this.#limitBytes !== Number.POSITIVE_INFINITY
  }

  /** The connection has ended: nothing may be sent. */
  close(): void {
    this.#window.close()
  }

  /**
   * Whether one more message may be in flight. The window begins anew with each connection and does not count those that wait
   * for PUBCOMP since an earlier one: `#limit` bounds these, since a client that never sends PUBCOMP would use up all Packet
   * Identifiers.
   * @param inflight how many there are, over all connections of the client.
   */
  hasRoom(qos: QoS, inflight: number): boolean {
    if (this.#isFull || inflight >= this.#limit) return false
    return qos === 1 || this.#sentAtQoS2 < this.#limitAtQoS2
  }

  /** The same for a run at QoS 1. False if bytes are counted: its messages then follow one by one. */
  hasRoomForRun(count: number, inflight: number): boolean {
    if (this.countsBytes) return false
    return this.#sent + count <= this.#window.size && inflight + count <= this.#limit
  }

  /** Whether a message that is in flight already may be sent again. */
  mayResend(qos: QoS): boolean {
    return !this.#isFull && (qos === 1 || this.#sentAtQoS2 < this.#limitAtQoS2)
  }

  /** Messages were sent. @param bytes of all of them; 0 if bytes are not counted. */
  sent(qos: QoS, count: number, bytes: number): void {
    this.#sent += count
    this.#sentBytes += bytes
    if (qos === 2) this.#sentAtQoS2 += count
  }

  /**
   * The client has acknowledged a message. @param bytes as when it was sent.
   * @returns whether it was the last one of a window: `acknowledgedAll` must follow.
   */
  acknowledged(qos: QoS, bytes: number): boolean {
    this.#sent -= 1
    this.#sentBytes -= bytes
    if (qos === 2) this.#sentAtQoS2 -= 1
    return this.#window.acknowledged()
  }

  /** The client has acknowledged a whole window. @param wants whether more messages wait. */
  acknowledgedAll(nowMs: number, wants: boolean): void {
    this.#window.acknowledgedAll(nowMs, wants)
  }

  get #isFull(): boolean {
    return this.#sent >= this.#window.size || this.#sentBytes >= this.#limitBytes
  }
}
