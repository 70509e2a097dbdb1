/** Files that a component reads again when they change: certificates, passwords, rules. */

import { stat } from 'node:fs/promises'

/** The default interval at which the files are checked, in milliseconds. */
const INTERVAL_MS = 5_000

export interface WatchedFilesOptions {
  /** In milliseconds. */
  readonly intervalMs?: number
  /** What `statesOf` said when the files were read. It stands for the first look. */
  readonly known?: readonly string[]
}

/**
 * Looks at files by their time, size and inode at an interval. A watch by the operating system would miss files that an editor renames
 * and symbolic links that are replaced, as Kubernetes does it.
 */
export class WatchedFiles {
  readonly #paths: readonly string[]
  readonly #changed: () => void
  readonly #timer: NodeJS.Timeout
  #known: readonly string[] | undefined
  #looking: Promise<void> | undefined

  /**
   * @param changed called when a file has changed since the last look, or was created or deleted. It is not called for the
   * state at the first look. It must not throw.
   */
  constructor(
    paths: readonly string[],
    changed: () => void,
    { intervalMs = INTERVAL_MS, known }: WatchedFilesOptions = {},
  ) {
    this.#paths = paths
    this.#changed = changed
    this.#known = known
    // The timer holds no reference: files alone are no reason to keep a process running.
    this.#timer = setInterval(() => void this.look(), intervalMs).unref()
  }

  /**
   * Looks at the files now. Resolves when `changed` was called or there was nothing new. Never rejects. Call it once after the files
   * were first read, so that a later change is noticed.
   */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  /** Ends the watch. */
  stop(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    const now = await statesOf(this.#paths)
    const before = this.#known
    this.#known = now
    if (before !== undefined && now.some((state, index) => state !== before[index])) this.#changed()
  }
}

/** What a watch compares. Take it before the files are read, so that no later change is missed. */
export const statesOf = (paths: readonly string[]): Promise<readonly string[]> => Promise.all(paths.map(stateOf))

/** Describes a file well enough to notice every change of it. A symbolic link is followed. */
const stateOf = async (path: string): Promise<string> => {
  try {
    const { mtimeMs, size, ino, dev } = await stat(path)
    return `${mtimeMs} ${size} ${ino} ${dev}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
