import type { IUnsubscribePacket } from 'mqtt-packet'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import type { FilterPacketRecord } from './client-record.ts'
import { type FilterRequests, FilterWork } from './filter-work.ts'
import { takesSubscriptionAnswer } from './packet-size.ts'

/**
 * Ends subscriptions, and answers with UNSUBACK even if there were none [MQTT-3.10.4-5]: one Reason Code for each filter, in
 * their order [MQTT-3.11.3-1]; MQTT 3 has none. If UNSUBACK would be larger than the client's Maximum Packet Size, the client
 * is disconnected and keeps its subscriptions.
 */
export const handleUnsubscribe = (client: Client, { unsubscriptions, messageId }: IUnsubscribePacket): void => {
  if (!takesSubscriptionAnswer(client, unsubscriptions.length)) {
    client.disconnect(ReasonCode.PacketTooLarge, 'UNSUBACK is larger than the Maximum Packet Size of the client')
    return
  }
  const work = new FilterWork(client, new UnsubscribeRequests(client, messageId!, unsubscriptions))
  work.begin()
}

/** The filters of an UNSUBSCRIBE packet. */
export class UnsubscribeRequests implements FilterRequests<string> {
  readonly requests: readonly string[]
  readonly #client: Client
  readonly #messageId: number

  constructor(client: Client, messageId: number, requests: readonly string[]) {
    this.#client = client
    this.#messageId = messageId
    this.requests = requests
  }

  toRecord(): FilterPacketRecord {
    return { type: 'unsubscribe', messageId: this.#messageId, requests: this.requests }
  }

  handle(filter: string): ReasonCode {
    return this.#client.session!.unsubscribe(filter) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted
  }

  unitsOf(filter: string): number {
    return this.#client.handler.broker.unsubscribeUnits(filter)
  }

  answer(codes: ReasonCode[], batch: number | undefined): void {
    const client = this.#client
    const granted = client.isVersion5 ? codes : []
    // A subscription that is gone may have ended over an earlier connection.
    const needed = batch ?? client.gate.resumedBatch
    client.answer({ cmd: 'unsuback', messageId: this.#messageId, granted }, true, undefined, needed)
  }
}
