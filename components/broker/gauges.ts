/** What is held now. These numbers enforce the bounds of the config. */
export interface Gauges {
  /** What the messages at QoS 1 and 2 cost that wait for sessions, or are in flight and kept, and all Wills, in bytes. */
  queuedBytes: number
  /** The part of the Wills in it. */
  willBytes: number
  /** What the subscriptions of all sessions cost, in bytes. */
  subscriptionBytes: number
  /** What the Packet Identifiers of messages at QoS 2 that clients have sent and not released cost, in bytes. */
  unreleasedBytes: number
}

export const newGauges = (): Gauges => ({ queuedBytes: 0, willBytes: 0, subscriptionBytes: 0, unreleasedBytes: 0 })
