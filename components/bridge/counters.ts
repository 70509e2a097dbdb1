/** Events since the start, for operators. The component does not use these numbers for decisions. */
export interface BridgeCounters {
  /** Connections that were accepted by the remote broker. */
  connections: number
  /** Connections and attempts that ended without the bridge wanting it. */
  failures: number
  /** Messages sent to the remote broker, by QoS. Those that were sent again count again. */
  readonly sent: [number, number, number]
  /** Messages that came from it, by QoS. */
  readonly received: [number, number, number]
  /** Messages at QoS 0 that were dropped: the remote broker reads too slowly, or the connection is not ready. */
  droppedQoS0: number
  /** Messages for the remote broker that are larger than it takes. */
  tooLarge: number
  /** Messages that were given up: the remote broker ended each connection over which they were sent. */
  undeliverable: number
  /** Messages from it that were given up: they are too large or not legal, and came again over each connection. */
  unacceptable: number
  /** Messages that the remote broker refused with a Reason Code. */
  refusedByRemote: number
  /** Messages from it that this broker refused. */
  refusedHere: number
  /** Messages that came back, or came through too many brokers. */
  loops: number
  /** Messages on topics that the config does not name. */
  unmapped: number
}

export const newBridgeCounters = (): BridgeCounters => ({
  connections: 0,
  failures: 0,
  sent: [0, 0, 0],
  received: [0, 0, 0],
  droppedQoS0: 0,
  tooLarge: 0,
  undeliverable: 0,
  unacceptable: 0,
  refusedByRemote: 0,
  refusedHere: 0,
  loops: 0,
  unmapped: 0,
})
