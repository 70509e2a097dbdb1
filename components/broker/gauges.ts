/** Bytes that are held now. These numbers enforce the bounds of the config. */
export interface Gauges {
  /** Bytes of all Wills, and of messages at QoS 1 and 2 that wait for sessions or are in flight and kept. */
  queuedBytes: number
  /** Bytes of the Wills in `queuedBytes`. */
  willBytes: number
  /** Bytes of the subscriptions of all sessions. */
  subscriptionBytes: number
  /** Bytes of the Packet Identifiers of messages at QoS 2 that clients have not released. */
  unreleasedBytes: number
}

export const newGauges = (): Gauges => ({ queuedBytes: 0, willBytes: 0, subscriptionBytes: 0, unreleasedBytes: 0 })
