const barCharacters = 24

/** The progress of a run. */
export interface Step {
  /** Runs done and runs in all. */
  readonly done: number
  readonly total: number
  /** How much of the present run is done, from 0 to 1. */
  readonly part: number
  readonly text: string
}

export interface ProgressBar {
  show(step: Step): void
  /** Clears the line for other output. */
  clear(): void
}

/** A bar in the last line of a terminal. Prints nothing without a terminal. */
export const progressBar = (stream: NodeJS.WriteStream): ProgressBar => {
  if (!stream.isTTY) return { show: () => {}, clear: () => {} }
  return {
    show: (step) => stream.write(`\r${formatProgress(step, stream.columns || 80)}\x1b[K`),
    clear: () => stream.write('\r\x1b[K'),
  }
}

/** @param columns that the line must fit in. */
export const formatProgress = ({ done, total, part, text }: Step, columns: number): string => {
  const share = Math.min(1, (done + part) / total)
  const filled = Math.round(share * barCharacters)
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(barCharacters - filled)}]`
  return `${bar} ${Math.round(share * 100)} % (${done + 1} of ${total}) ${text}`.slice(0, Math.max(0, columns - 1))
}
