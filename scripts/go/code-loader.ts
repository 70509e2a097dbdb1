import { statSync } from 'node:fs'
import type { LoadedConfig } from '../../src/system/dev.ts'

/** Loads the system config and its code, repeatedly. */
export interface CodeLoader {
  /**
   * Loads what changed since the last load that succeeded.
   * @throws LoadError; the instances of the previous modules are not changed, and the next load tries again everything that
   * failed. SystemError CONFIG_INVALID for a config in JSON with problems.
   */
  load(): Promise<LoadedConfig>
  /**
   * Loads a file that need not belong to the system, and what it imports, as far as it changed since it was last loaded.
   * Changed modules that it shares with the system are loaded again, too. The running system keeps its modules.
   * @param file its absolute path.
   * @returns what it exports.
   * @throws LoadError, or what the import threw.
   */
  loadFile(file: string): Promise<object>
  /**
   * The files that a component is made of now. Undefined if the loader cannot tell.
   * @returns absolute paths, that of the file which defines it first. Empty for a component of a package.
   */
  readonly filesOf?: (component: object) => readonly string[]
  /** Whether anything has changed since the last load. */
  isStale(): boolean
  close(): Promise<void>
}

/** Identifies the version of a file. */
export type Stamp = string

export const stampOf = (file: string): Stamp => {
  const stats = statSync(file, { throwIfNoEntry: false })
  return stats === undefined ? 'gone' : `${stats.mtimeMs}:${stats.size}:${stats.ino}`
}
