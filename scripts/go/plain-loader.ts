/** Loads a config by Node alone, which never loads a module again: a changed config file is read again, and nothing else. */

import { basename } from 'node:path'
import { type ImportModule, importByNode, readConfigFile } from '../../src/config-file.ts'
import type { LoadedConfig } from '../../src/system/dev.ts'
import { SystemError } from '../../src/system/system-error.ts'
import { type CodeLoader, stampOf } from './code-loader.ts'
import { LoadError } from './load-error.ts'

/** @param entry the absolute path of the system config. */
export const createPlainLoader = (entry: string): CodeLoader => {
  let stamp: string | undefined
  let loaded: unknown
  let loads = 0

  /** The config file under a new name; other files under their own. */
  const importModule: ImportModule = (file) => importByNode(file, file === entry && loads > 1 ? `?load=${loads}` : '')

  const load = async (): Promise<LoadedConfig> => {
    const now = stampOf(entry)
    if (loaded !== undefined && now === stamp) return { config: loaded, changed: [] }
    const changed = loads > 0 && now !== stamp ? [basename(entry)] : []
    loads++
    loaded = undefined
    stamp = now
    try {
      loaded = await readConfigFile(entry, importModule)
    } catch (error) {
      if (error instanceof SystemError) throw error
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      throw new LoadError(
        `${basename(entry)}: ${name === 'Error' ? '' : `${name}: `}${message}`,
        { file: entry },
        error,
      )
    }
    return { config: loaded, changed }
  }

  return {
    load,
    // Under a new name if the file has changed. Its imports are not loaded again.
    loadFile: (file) => importByNode(file, `?load=${stampOf(file)}`),
    isStale: () => loaded === undefined || stampOf(entry) !== stamp,
    close: async () => {},
  }
}
