/** Runs tasks in their order, so many in each turn of the event loop: for work that cannot be divided, such as a signature. */
export class PacedTurns {
  /** Tasks in one turn. */
  perTurn: number
  #waiting: (() => void)[] = []
  #next: NodeJS.Immediate | undefined

  constructor(perTurn: number) {
    this.perTurn = perTurn
  }

  /** Tasks that have not run yet. */
  get size(): number {
    return this.#waiting.length
  }

  /** Runs a task at the end of this turn, or later. It must not throw. */
  add(task: () => void): void {
    this.#waiting.push(task)
    this.#next ??= setImmediate(this.#run)
  }

  /** Forgets the tasks that have not run. */
  stop(): void {
    clearImmediate(this.#next)
    this.#next = undefined
    this.#waiting = []
  }

  readonly #run = (): void => {
    const due = this.#waiting.splice(0, this.perTurn)
    this.#next = this.#waiting.length > 0 ? setImmediate(this.#run) : undefined
    for (const task of due) task()
  }
}
