import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { type FileHandle, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'

/** How often a change starts again because another program changed the file. */
const ATTEMPTS = 5
/** For its owner alone. */
const PRIVATE_MODE = 0o600
/** What a group may do with an existing file it may do afterwards; others lose their rights. */
const KEPT_MODE = 0o770

/**
 * Replaces a file by a changed one. A reader finds the old content or the new one and nothing between, also after a crash. A symbolic
 * link stays, and the file that it leads to is replaced. Owner and group stay; a file that is new belongs to its owner alone.
 * @param change makes the new content of the old one, which is undefined when there is no file; undefined leaves the file as it is.
 * Called again when another program changed the file meanwhile.
 * @returns whether the file was replaced.
 * @throws an Error that names the file when the file system refuses, or what `change` throws. Nothing is changed then.
 */
export const replaceFile = async (
  path: string,
  change: (content: Uint8Array | undefined) => Promise<Uint8Array | undefined>,
): Promise<boolean> => {
  try {
    return await replace(path, change)
  } catch (error) {
    const { code, syscall, message } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    const why = code === 'ENOENT' ? 'its folder does not exist' : message
    throw new Error(`${path} cannot be changed: ${why}`, { cause: error })
  }
}

const replace = async (
  path: string,
  change: (content: Uint8Array | undefined) => Promise<Uint8Array | undefined>,
): Promise<boolean> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const target = await realpath(path).catch(unlessMissing(path))
    const before = await stat(target).catch(unlessMissing(undefined))
    const content = await change(before === undefined ? undefined : await readFile(target))
    if (content === undefined) return false
    const draft = `${target}.${randomBytes(6).toString('hex')}.tmp`
    try {
      await writeDraft(draft, content, before)
      if (isSame(before, await stat(target).catch(unlessMissing(undefined)))) {
        await rename(draft, target)
        return true
      }
    } finally {
      // After the rename there is nothing under this name.
      await rm(draft, { force: true })
    }
  }
  throw new Error(`${path} is being changed by another program`)
}

const writeDraft = async (draft: string, content: Uint8Array, before: Stats | undefined): Promise<void> => {
  const file = await open(draft, 'wx', PRIVATE_MODE)
  try {
    await file.writeFile(content)
    if (before !== undefined) await keepOwner(file, before)
    await file.sync()
  } finally {
    await file.close()
  }
}

const keepOwner = async (file: FileHandle, { uid, gid, mode }: Stats): Promise<void> => {
  if (process.platform === 'win32') return
  const own = await file.stat()
  if (own.uid !== uid || own.gid !== gid) await file.chown(uid, gid)
  await file.chmod(mode & KEPT_MODE)
}

const isSame = (before: Stats | undefined, now: Stats | undefined): boolean =>
  before?.ino === now?.ino && before?.mtimeMs === now?.mtimeMs && before?.size === now?.size

const unlessMissing =
  <T>(value: T) =>
  (error: unknown): T => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return value
    throw error
  }
