import { existsSync, type FSWatcher, readdirSync, statSync, watch } from 'node:fs'
import { join, sep } from 'node:path'

/** Generated or installed. */
const ignored = new Set(['node_modules', 'dist', 'coverage'])
/** The maximum number of folders that are watched. Each costs a handle of the operating system. */
const mostFolders = 2_000
/** Editors write a file in several steps, and save several files at once. In milliseconds. */
const quietMs = 50

export interface FileWatch {
  /** Ends the watch. No call follows. */
  close(): void
}

/**
 * Calls back when files below the folders have been written, made, removed or renamed and no more changes come for a moment.
 *
 * A watch per folder, because Node's recursive one loses files on Linux when an editor saves by renaming.
 * @param onError called with the error if the operating system cannot watch (any more).
 */
export const watchFiles = (
  folders: readonly string[],
  onChange: () => void,
  onError: (error: unknown) => void,
): FileWatch => {
  const watches = new Map<string, FSWatcher>()
  let quiet: NodeJS.Timeout | undefined

  const forget = (folder: string): void => {
    watches.get(folder)?.close()
    watches.delete(folder)
  }

  const observe = (folder: string): void => {
    if (watches.has(folder) || watches.size >= mostFolders) return
    try {
      const watcher = watch(folder, (event, name) => {
        if (name === null || !isWatched(name)) return
        clearTimeout(quiet)
        quiet = setTimeout(onChange, quietMs)
        if (event === 'rename') onMove(join(folder, name))
      })
      watcher.on('error', (error) => {
        forget(folder)
        // A folder that was removed cannot be watched; that is no error.
        if (existsSync(folder)) onError(error)
      })
      watches.set(folder, watcher)
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && isWatched(entry.name)) observe(join(folder, entry.name))
      }
    } catch (error) {
      if (existsSync(folder)) onError(error)
    }
  }

  /** A file or folder of this name was added or removed. A folder that was added again needs a new watch. */
  const onMove = (path: string): void => {
    for (const folder of watches.keys()) if (`${folder}${sep}`.startsWith(`${path}${sep}`)) forget(folder)
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) observe(path)
  }

  for (const folder of folders) observe(folder)
  return {
    close: () => {
      clearTimeout(quiet)
      for (const folder of [...watches.keys()]) forget(folder)
    },
  }
}

/** Whether a file or folder of this name counts: not if it is hidden, a backup of an editor, generated or installed. */
export const isWatched = (name: string): boolean => !name.startsWith('.') && !name.endsWith('~') && !ignored.has(name)
