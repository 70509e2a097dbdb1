import type { Logger } from '../../src/kinds/logger.ts'
import type { TurnScheduler as Scheduler, TurnTask } from '../../src/kinds/turn-scheduler.ts'

/**
 * Units of work that all tasks together may do in one turn of the event loop: about 10 ms. One unit is about 0.2 µs, the
 * cost of one delivery at QoS 0, as in `Connection.chargeWork`.
 */
export const UNITS_PER_TURN = 50_000

/** The least that one task may do in its turn, however many others wait. */
const MINIMUM_SHARE = 500

/** The `minimumUnits` of work of the broker itself, which must keep up with the clients that cause it: about 2 ms. */
export const BROKER_UNITS = 10_000

/**
 * Divides long work of clients over turns of the event loop, so that no client waits for the end of another client's work.
 *
 * A task asks `mayGoOn` before each step and reports the cost of the step with `spend`. It starts at once while the turn has
 * units left. When `mayGoOn` answers false, the task is queued, and `resume` is called in a later turn. The tasks in the queue
 * share the units of each turn equally, in the order in which they were queued; those with `minimumUnits` go first.
 */
export class TurnScheduler implements Scheduler {
  readonly #log: Logger
  /** In the order of their turns. */
  readonly #waiting = new Set<TurnTask>()
  /** Those with `minimumUnits`. */
  readonly #waitingFirst = new Set<TurnTask>()
  /** Whether tasks of clients waited in the last turn and got no share. */
  #wereLeftOut = false
  /** Units left of this turn, for all tasks. */
  #left = UNITS_PER_TURN
  /** The task at work, and the units left of its share. */
  #current: TurnTask | undefined
  #share = 0
  #immediate: NodeJS.Immediate | undefined

  // For the operator: units so far, the turns in which there were any, and the most in one of them.
  spent = 0
  turns = 0
  mostInTurn = 0

  /** Charged for the broker's own work, in place of a connection. */
  readonly payer = { chargeWork: (units: number): void => this.spend(units) }

  constructor(log: Logger) {
    this.#log = log
  }

  /** Tasks that wait for a later turn. */
  get waiting(): number {
    return this.#waiting.size + this.#waitingFirst.size
  }

  /** Whether the task may do its next step now. If not, its `resume` is called in a later turn. */
  mayGoOn(task: TurnTask): boolean {
    if (task !== this.#current) this.#begin(task, this.waiting + 1)
    if (this.#left > 0 && this.#share > 0) return true
    this.#queueOf(task).add(task)
    this.#schedule()
    return false
  }

  /** Charges the work of a step. @param units about 0.2 µs each. */
  spend(units: number): void {
    if (this.#left === UNITS_PER_TURN && units > 0) this.turns += 1
    this.#left -= units
    this.#share -= units
    this.spent += units
    this.mostInTurn = Math.max(this.mostInTurn, UNITS_PER_TURN - this.#left)
    this.#schedule()
  }

  /** Queues a task for a later turn. */
  later(task: TurnTask): void {
    this.#queueOf(task).add(task)
    this.#schedule()
  }

  /** Whether a task waits for a later turn. */
  isQueued(task: TurnTask): boolean {
    return this.#queueOf(task).has(task)
  }

  /** Takes tasks out of the queue that a successor continues. @returns puts them back. */
  takeOut(isTaken: (task: TurnTask) => boolean): () => void {
    const tasks = [...this.#waitingFirst, ...this.#waiting].filter(isTaken)
    for (const task of tasks) this.delete(task)
    return () => {
      for (const task of tasks) this.later(task)
    }
  }

  /** Removes a task from the queue. No effect if it is not there. */
  delete(task: TurnTask): void {
    this.#queueOf(task).delete(task)
  }

  /** Discards all tasks. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#waiting.clear()
    this.#waitingFirst.clear()
  }

  #queueOf(task: TurnTask): Set<TurnTask> {
    return task.minimumUnits === undefined ? this.#waiting : this.#waitingFirst
  }

  /** @param tasks how many share the turn, this one included. */
  #begin(task: TurnTask, tasks: number): void {
    this.#current = task
    this.#share = Math.max(task.minimumUnits ?? MINIMUM_SHARE, UNITS_PER_TURN / tasks)
  }

  #schedule(): void {
    this.#immediate ??= setImmediate(() => this.#nextTurn())
  }

  #nextTurn(): void {
    this.#immediate = undefined
    this.#left = UNITS_PER_TURN
    this.#current = undefined
    const tasks = this.waiting
    if (this.#wereLeftOut) {
      this.#resumeAll(this.#waiting, tasks)
      this.#resumeAll(this.#waitingFirst, tasks)
      this.#wereLeftOut = false
    } else {
      this.#resumeAll(this.#waitingFirst, tasks)
      this.#wereLeftOut = !this.#resumeAll(this.#waiting, tasks)
    }
    if (this.waiting > 0) this.#schedule()
  }

  /** @returns false if there are tasks and all of them got no share. */
  #resumeAll(queue: Set<TurnTask>, tasks: number): boolean {
    if (queue.size > 0 && this.#left <= 0) return false
    // A task that has to wait again is queued behind the others, and has no second share in this turn.
    let left = queue.size
    for (const task of queue) {
      if (left === 0 || this.#left <= 0) break
      left -= 1
      queue.delete(task)
      this.#resume(task, tasks)
    }
    return true
  }

  /** An error in one task must not stop the others, nor end the process. */
  #resume(task: TurnTask, tasks: number): void {
    this.#begin(task, tasks)
    try {
      task.resume()
    } catch (error) {
      this.#log.error({ err: error }, 'A task that was divided over turns failed')
    }
    this.#current = undefined
  }
}
