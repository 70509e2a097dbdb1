/** How the work of a part goes over to the queues of another broker. */
export interface BrokerMove {
  /** Takes it back, in the turn in which the reset was to be applied. */
  undo(): void
  /** Moves what waits in the queue of the former broker, once the reset is applied. */
  move(): void
}
