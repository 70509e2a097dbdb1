import { statSync } from 'node:fs'
import type { LoadedConfig } from '../../src/system/dev.ts'

/** Loads the system config and the code behind it, again and again. */
export interface CodeLoader {
  /**
   * Loads what changed since the last load that succeeded.
   * @throws LoadError; the instances made from the modules of before are not touched, and the next load tries again
   * everything that this one did not get done. SystemError CONFIG_INVALID for a config in JSON with problems.
   */
  load(): Promise<LoadedConfig>
  /**
   * Loads a file that need not belong to the system, and what it imports, as far as it changed since it was last loaded. What
   * it has in common with the system is loaded again as well when it has changed; the running system keeps what it has.
   * @param file its absolute path.
   * @returns what it exports.
   * @throws LoadError, or what the import threw.
   */
  loadFile(file: string): Promise<object>
  /** Whether a load would bring anything new. */
  isStale(): boolean
  close(): Promise<void>
}

/** What tells one version of a file from another. */
export type Stamp = string

export const stampOf = (file: string): Stamp => {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? 'gone' : `${stats.mtimeMs}:${stats.size}:${stats.ino}`
}
