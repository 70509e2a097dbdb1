import type { QoS } from 'mqtt-packet'
import type { DeliveryResult } from './delivery-result.ts'
import type { Message } from './message.ts'
import type { PublishRun } from './publish-run.ts'

/** A receiver of published messages: a session. Compared by identity. */
export interface Subscriber {
  /** The Client Identifier. */
  readonly id: string
  /** Whether its client is connected. The router is notified of each change: `Router.connectionChanged`. */
  readonly connected: boolean
  /** Messages at QoS 1 and 2 for it that wait or are not acknowledged: a measure of how busy it is. */
  readonly unacknowledged: number
  /**
   * Whether it sends a message at this QoS at once: it is connected and not congested, and at QoS 1 and 2 the in-flight window
   * has room and no message waits. A Shared Subscription prefers such members.
   */
  takes(qos: QoS): boolean
  /**
   * Whether it may get this message. A Shared Subscription gives a message to a member that may not only if there is no other.
   * Optional: without it a subscriber may get all that it has subscribed to.
   * @param message lent for the call.
   */
  mayReceive?(message: Message): boolean
  /**
   * Takes a message, once for each publish even if several of its subscriptions match. Must not throw.
   * @param message lent for the call.
   * @param delivery belongs to the router and must not be changed.
   * @returns the work, in units of `Connection.chargeWork`, without the bytes of the message; negative if the full queue of the
   * subscriber refused the message (`refusedDelivery`).
   */
  deliver(message: Message, delivery: Delivery): DeliveryResult
  /**
   * Takes all messages of a run, or none of them. Must not throw. Optional: without it each message comes by `deliver`.
   * @param run lent for the call.
   * @returns false if it took none. Each message then comes by `deliver`. A subscriber that would refuse one of them takes none.
   */
  deliverRun?(run: PublishRun, delivery: Delivery): boolean
}

/** How a subscriber gets a message: the combination of its matching subscriptions. */
export interface Delivery {
  /** The highest QoS granted to any of them [MQTT-3.3.4-2]; the message is sent at the lower of this and its own QoS. */
  readonly qos: QoS
  /** RETAIN goes out as it came in; otherwise as 0 [MQTT-3.3.1-12] [MQTT-3.3.1-13]. */
  readonly retainAsPublished: boolean
  /** Those of all of them [MQTT-3.3.4-4]. */
  readonly subscriptionIdentifiers: readonly number[]
  /** The filter, `$share/...`, of the Shared Subscription through which it came; undefined for any other. */
  readonly shared: string | undefined
}
