export interface ResetOnSaveOptions {
  /** Whether anything has changed since the last load. */
  readonly isStale: () => boolean
  /** Resets and prints the report. Must not reject. */
  readonly reset: () => Promise<void>
  /** Called for a save that does not concern running code. */
  readonly onOther: () => void
}

/**
 * Turns saves into resets. Saves during a reset cause one more reset after it.
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
