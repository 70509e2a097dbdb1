import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkPages } from '../check-pages.ts'
import { DATA_FILE, type Environment } from '../environment.ts'

/**
 * Replaces the file by a compact copy. The file must belong to this process, and is closed.
 * @returns its size before and after, in bytes.
 */
export const compact = async (environment: Environment): Promise<{ before: number; after: number }> => {
  const file = join(environment.path, DATA_FILE)
  const before = statSync(file).size
  const directory = join(environment.path, 'compact.tmp')
  rmSync(directory, { recursive: true, force: true })
  try {
    await environment.backup(directory)
    await environment.close()
    const copy = join(directory, DATA_FILE)
    checkPages(copy)
    sync(copy)
    renameSync(copy, file)
    sync(environment.path)
    return { before, after: statSync(file).size }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Waits until a file or directory is on the disk. */
const sync = (path: string): void => {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
