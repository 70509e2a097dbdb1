export interface ResetOnSaveOptions {
  /** Whether a reset would bring anything new. */
  readonly isStale: () => boolean
  /** Resets and prints how that went. Must not reject. */
  readonly reset: () => Promise<void>
  /** Called for a save that concerns no code that runs. */
  readonly onOther: () => void
}

/**
 * Turns saves into resets. A save while a reset is under way causes one more after it, however many saves there were.
 * @returns the function to call at every save; it resolves when the resets that it caused are done.
 */
export const resetOnSave = ({ isStale, reset, onOther }: ResetOnSaveOptions): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  let again = false
  const run = async (): Promise<void> => {
    do {
      again = false
      if (isStale()) await reset()
      else onOther()
    } while (again)
  }
  return () => {
    again = running !== undefined
    running ??= run().finally(() => {
      running = undefined
    })
    return running
  }
}
