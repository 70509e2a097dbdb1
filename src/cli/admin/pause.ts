import type { CommandContext } from '../command-context.ts'

/** Waits between two requests, until SIGINT. */
export class Pause {
  readonly #removeInterrupt: () => void
  #isInterrupted = false
  #wake: (() => void) | undefined

  constructor({ onInterrupt }: CommandContext) {
    this.#removeInterrupt = onInterrupt(() => {
      this.#isInterrupted = true
      this.#wake?.()
    })
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted
  }

  /** Resolves after this time, or at SIGINT. */
  wait(ms: number): Promise<void> {
    if (this.#isInterrupted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  end(): void {
    this.#removeInterrupt()
  }
}

/** The time between two requests for new lines. */
export const POLL_MS = 500
