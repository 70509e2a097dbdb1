import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { AnyComponent } from './component.ts'

const none: ReadonlyMap<string, string> = new Map()

/**
 * Hashes of the files that a config names. A file that cannot be read has the reason instead: the component reports it.
 * @param config as parsed by the component's schema.
 */
export const hashFiles = async ({ reads }: AnyComponent, config: unknown): Promise<ReadonlyMap<string, string>> => {
  if (reads === undefined) return none
  const hashes = new Map<string, string>()
  for (const path of pathsOf(reads, config)) hashes.set(path, await hashOf(path))
  return hashes
}

const pathsOf = (reads: NonNullable<AnyComponent['reads']>, config: unknown): readonly string[] => {
  try {
    return reads(config)
  } catch {
    // Nothing is known of its files then. The start of the component, or its adjustment, has the problem as well.
    return []
  }
}

/** The same hashes, with those of files that were missing and are there now. */
export const hashMissing = async (before: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> => {
  const hashes = new Map(before)
  for (const [path, hash] of before) if (hash === MISSING) hashes.set(path, await hashOf(path))
  return hashes
}

const MISSING = 'unreadable: ENOENT'

/** A file that a config names is small. A larger one is told by its size and time alone. */
const MAXIMUM_BYTES = 16 * 1024 ** 2

const hashOf = async (path: string): Promise<string> => {
  try {
    const file = await stat(path)
    // Reading a pipe or a device may never end.
    if (!file.isFile()) return 'unreadable: no file'
    if (file.size > MAXIMUM_BYTES) return `${file.size} bytes of ${file.mtimeMs}`
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  } catch (error) {
    return `unreadable: ${(error as NodeJS.ErrnoException).code}`
  }
}
