/** Work that can stop at any of its steps and go on in a later turn of the event loop. */
export interface TurnTask {
  /**
   * The least that it may do in its turn, in units; a small share if it is left out. A task that sets it goes before the others
   * in each turn: it is work of the broker itself, which must not wait for the tasks of any number of clients. Only after a turn
   * in which such tasks left nothing for the others, the others go first.
   */
  readonly minimumUnits?: number
  /** Goes on from where it stopped, as long as `TurnScheduler.mayGoOn` says so. */
  resume(): void
}

/** Who is charged for work, in units of `Connection.chargeWork`: the client that causes it, or the scheduler. */
export interface Payer {
  chargeWork(units: number): void
}

/** Divides long work over turns of the event loop, so that no client waits for the end of another client's work. */
export interface TurnScheduler {
  /** Charged for the broker's own work, in place of a client. */
  readonly payer: Payer
  /** Whether the task may do its next step now. If not, its `resume` is called in a later turn. */
  mayGoOn(task: TurnTask): boolean
  /** Charges the work of a step. @param units about 0.2 µs each. */
  spend(units: number): void
  /** Takes a task out of the queue. Without effect if it is not there. */
  delete(task: TurnTask): void
}

/** A queue of the broker's own work, divided over turns of the event loop. It holds each item once. */
export interface TurnQueue<T> {
  readonly size: number
  /** Adds an item, and begins with it if it is the only one and the turn has units left. */
  add(item: T): void
  /** Takes an item out. @returns false when it was not there. */
  delete(item: T): boolean
}
