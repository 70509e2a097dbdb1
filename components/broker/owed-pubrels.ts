import type { Recipient } from '../../src/kinds/recipient.ts'
import type { Inflight } from '../../src/mqtt/inflight.ts'
import type { Outgoing } from './outgoing.ts'

/** The PUBREL packets that a client is owed when it connects, for the PUBREC packets of earlier connections, in their order. */
export class OwedPubrels {
  /** Packet Identifiers. */
  #owed: number[] = []

  get count(): number {
    return this.#owed.length
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

/**
 * After a restart, messages in flight are in the order in which they were sent: those that were received go to the end.
 * @returns the place of the last one in the order of PUBREC packets.
 */
export const restorePubrecOrder = (inflight: Inflight<Outgoing>): number => {
  const received = Array.from(inflight.entries()).filter(([, outgoing]) => outgoing.received)
  received.sort(([, a], [, b]) => a.pubrecOrder - b.pubrecOrder)
  for (const [packetIdentifier] of received) inflight.moveToEnd(packetIdentifier)
  return received.at(-1)?.[1].pubrecOrder ?? 0
}
