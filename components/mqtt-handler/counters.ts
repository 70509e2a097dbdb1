/** Events since the start, for operators. The handler does not use these numbers for decisions. */
export interface HandlerCounters {
  /** Clients whose CONNECT was accepted. */
  connects: number
  /** Accepted clients that are connected now, by the number of their protocol version: 3, 4 or 5. */
  readonly connectedByVersion: Float64Array
  /** Clients without user name and password that `allowAnonymous` accepted although there are authenticators. */
  anonymousClients: number
  /** Clients that sent a user name or a password, and that no authenticator knows. */
  unknownClients: number
  /** Clients that were refused before they were connected, by the Reason Code of CONNACK. */
  readonly refusals: Float64Array
  /** Connections of accepted clients that the broker ended, by the Reason Code of DISCONNECT. */
  readonly disconnectsByBroker: Float64Array
  /** Clients that sent DISCONNECT, by its Reason Code; 0 for MQTT 3. */
  readonly disconnectsByClient: Float64Array
  /** Connections of accepted clients that were closed or lost without DISCONNECT. */
  lostConnections: number
  /** Packets from clients and to clients, by their type, without PUBLISH. */
  readonly packetsIn: Float64Array
  readonly packetsOut: Float64Array
  /** PUBLISH packets from clients and to clients, by their QoS. */
  readonly publishesIn: Float64Array
  readonly publishesOut: Float64Array
  /** Bytes of the payloads of these packets, by their QoS. */
  readonly payloadsIn: Float64Array
  readonly payloadsOut: Float64Array
  /** Messages at QoS 0 that were not delivered because a subscriber reads too slowly. */
  droppedQoS0: number
  /** Messages that were not delivered because their subscriber may not receive them. */
  deniedDeliveries: number
  /** Messages that were larger than the Maximum Packet Size of the subscriber. */
  tooLarge: number
  /** Messages that were not accepted from their publisher. */
  refusedPublishes: number
  /** Messages of clients, Wills included, whose payload was larger than `maximumPayloadBytes`. */
  tooLargePayloads: number
  /** How often a client was not read for a while because it or its user published too fast. */
  slowedPublishers: number
  /** Clients that were refused because their user had as many connections as it may. */
  refusedOfUser: number
  /** Messages at QoS 1 and 2, and subscriptions, that were refused because the store could not write. */
  unstoredPublishes: number
  unstoredSubscriptions: number
}

const REASON_CODES = 256
const PACKET_TYPES = 16
const QOS_LEVELS = 3
const PROTOCOL_VERSIONS = 6

export const newHandlerCounters = (): HandlerCounters => ({
  connects: 0,
  connectedByVersion: new Float64Array(PROTOCOL_VERSIONS),
  anonymousClients: 0,
  unknownClients: 0,
  refusals: new Float64Array(REASON_CODES),
  disconnectsByBroker: new Float64Array(REASON_CODES),
  disconnectsByClient: new Float64Array(REASON_CODES),
  lostConnections: 0,
  packetsIn: new Float64Array(PACKET_TYPES),
  packetsOut: new Float64Array(PACKET_TYPES),
  publishesIn: new Float64Array(QOS_LEVELS),
  publishesOut: new Float64Array(QOS_LEVELS),
  payloadsIn: new Float64Array(QOS_LEVELS),
  payloadsOut: new Float64Array(QOS_LEVELS),
  droppedQoS0: 0,
  deniedDeliveries: 0,
  tooLarge: 0,
  refusedPublishes: 0,
  tooLargePayloads: 0,
  slowedPublishers: 0,
  refusedOfUser: 0,
  unstoredPublishes: 0,
  unstoredSubscriptions: 0,
})

/** Takes over the numbers of the handler before. A counter that it did not have begins at 0. */
export const continueCounters = (counters: HandlerCounters, before: HandlerCounters): void => {
  const numbers = counters as unknown as Record<string, number | Float64Array>
  for (const [name, value] of Object.entries(before)) {
    const own = numbers[name]
    if (own instanceof Float64Array) own.set((value as Float64Array).subarray(0, own.length))
    else if (own !== undefined) numbers[name] = value as number
  }
}
