import type { Recipient } from '../../src/kinds/recipient.ts'
import type { Inflight } from '../../src/mqtt/inflight.ts'
import type { Outgoing } from './outgoing.ts'

/**
 * The order of the PUBREC packets of a session, and the PUBREL packets that its client is owed when it connects, for the PUBREC packets
 * of earlier connections, in that order.
 */
export class OwedPubrels {
  /** The batch of the store with the last PUBREC. */
  lastBatch = 0
  /** PUBREC packets so far. */
  #pubrecs = 0
  /** Packet Identifiers. */
  #owed: number[] = []

  /** One of an earlier generation of the code, at a reset. It is not used any more. */
  static from(before: Pick<OwedPubrels, 'lastBatch' | 'handOver'>): OwedPubrels {
    const owed = new OwedPubrels()
    owed.lastBatch = before.lastBatch
    const { pubrecs, packetIdentifiers } = before.handOver()
    owed.#pubrecs = pubrecs
    owed.#owed = [...packetIdentifiers]
    return owed
  }

  handOver(): { readonly pubrecs: number; readonly packetIdentifiers: readonly number[] } {
    return { pubrecs: this.#pubrecs, packetIdentifiers: this.#owed }
  }

  get count(): number {
    return this.#owed.length
  }

  /** A PUBREC came. @returns its place in the order. */
  nextOrder(): number {
    this.#pubrecs += 1
    return this.#pubrecs
  }

  /** After a restart, messages in flight are in the order in which they were sent: those that were received go to the end. */
  restore(inflight: Inflight<Outgoing>): void {
    const received = Array.from(inflight.entries()).filter(([, outgoing]) => outgoing.received)
    received.sort(([, a], [, b]) => a.pubrecOrder - b.pubrecOrder)
    for (const [packetIdentifier] of received) inflight.moveToEnd(packetIdentifier)
    this.#pubrecs = received.at(-1)?.[1].pubrecOrder ?? 0
  }

  /** A connection begins. */
  begin(inflight: Inflight<Outgoing>): void {
    this.#owed = []
    for (const [packetIdentifier, outgoing] of inflight.entries()) {
      if (outgoing.received) this.#owed.push(packetIdentifier)
    }
  }

  /** Sends them [MQTT-4.4.0-1] [MQTT-4.6.0-4]. They need no quota (section 4.9) and are few and small: congestion does not delay them. */
  send(client: Recipient, inflight: Inflight<Outgoing>): void {
    const owed = this.#owed
    this.#owed = []
    for (const packetIdentifier of owed) {
      if (inflight.get(packetIdentifier)?.received === true) client.sendPubrel(packetIdentifier)
    }
    client.chargeWork(owed.length)
  }

  clear(): void {
    this.#owed = []
  }
}
