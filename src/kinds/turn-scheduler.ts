/** Work in steps that can be interrupted after each step and continued in a later turn of the event loop. */
export interface TurnTask {
  /**
   * The least that it may do in its turn, in units; a small share if it is left out. A task that sets it goes before the others
   * in each turn: it is work of the broker itself, which must not wait for the tasks of any number of clients. Only after a turn
   * in which such tasks left nothing for the others, the others go first.
   */
  readonly minimumUnits?: number
  /** Continues the task while `TurnScheduler.mayGoOn` returns true. */
  resume(): void
}

/** Is charged for work, in units of `Connection.chargeWork`: the client that causes it, or the scheduler. */
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
  /** Queues a task for a later turn. */
  later(task: TurnTask): void
  /** Whether a task waits for a later turn. */
  isQueued(task: TurnTask): boolean
  /** Removes a task from the queue. No effect if it is not there. */
  delete(task: TurnTask): void
}

/** A queue of the broker's own work, divided over turns of the event loop. It holds each item once. */
export interface TurnQueue<T> {
  readonly size: number
  /** Adds an item, and begins with it if it is the only one and the turn has units left. */
  add(item: T): void
  /** Removes an item. @returns false if it was not there. */
  delete(item: T): boolean
}
