import { fstatSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { type Meta, metaAt, newer } from './meta-page.ts'

/** The open file. Node's `FileHandle` is one, if it was opened to append. */
export interface GrowingFile {
  readonly fd: number
  appendFile(bytes: Buffer): Promise<void>
}

/** What is committed next. */
export interface Writing {
  /** Puts and removals. */
  readonly count: number
  /** Of what is put. */
  readonly bytes: number
  /** Bytes that stay free on the disk. */
  readonly keepFree: number
  /** Removals that make space: they may take the last reserve. */
  readonly isUrgent: boolean
}

/** What is written of a batch, and how. */
export interface CommitOptions {
  /** How many of the first operations (all). */
  readonly count?: number
  /** Bytes that stay free on the disk (0). */
  readonly keepFree?: number
  /** Removals that make space: they may take what is reserved for them (false). */
  readonly isUrgent?: boolean
}

/** Bytes that are free on the disk of a file or directory; undefined if it does not say. */
export const freeBytesAt = async (path: string): Promise<number | undefined> => {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    return undefined
  }
}

/**
 * Makes a file long enough for what is committed next: zeros are written behind its end, which LMDB overwrites. So what a full disk,
 * a quota or a limit refuses is refused here, with an error, and not in the native code, which may end the process then
 * (docs/adr/0013). Where the file cannot grow, twice as many free pages in it will do. No commit may be running.
 * @param freeBytes of the disk; undefined if it does not say.
 * @throws the error of the system, or one that says that too little would stay free. Some zeros may have been written: they do no harm.
 */
export const makeSpace = async (
  file: GrowingFile,
  freeBytes: () => Promise<number | undefined>,
  writing: Writing,
): Promise<void> => {
  const meta = newestMeta(file.fd)
  if (meta === undefined) return
  const used = (meta.lastPage + 1) * meta.pageSize
  const growth = growthOf(writing, meta)
  const { size } = fstatSync(file.fd)
  const missing = used + growth - size
  if (missing <= 0) return
  const { keepFree, isUrgent } = writing
  const hasFreePages = freePagesOf(meta) * meta.pageSize >= 2 * growth
  const free = ((await freeBytes()) ?? Number.POSITIVE_INFINITY) - keepFree
  if (free < missing) {
    if (hasFreePages) return
    throw new Error(`less than minimumFreeBytes (${keepFree}) would stay free`)
  }
  const ahead = isUrgent ? 0 : Math.min(Math.max(used / 8, LEAST_AHEAD_BYTES), MOST_AHEAD_BYTES)
  try {
    await file.appendFile(Buffer.alloc(Math.ceil(Math.min(missing + ahead, free))))
  } catch (error) {
    // Zeros were written as far as there is space, which may be enough.
    if (!hasFreePages && fstatSync(file.fd).size < size + missing) throw error
  }
}

const newestMeta = (descriptor: number): Meta | undefined => {
  const first = metaAt(descriptor, 0)
  const second = first && metaAt(descriptor, first.pageSize)
  return second && newer(first, second)
}

/** By how many bytes a commit makes the file longer, if it can use no free page. */
const growthOf = ({ count, bytes, isUrgent }: Writing, meta: Meta): number => {
  const { depth, leaves, branches } = meta.main
  // Each page from a root to a changed leaf is written in another place.
  const copied = Math.min(count, leaves) + Math.min(count * depth, branches)
  // The list of free pages may be written as a whole.
  const freeList = FREE_LIST_BYTES + (freePagesOf(meta) + copied) * FREE_PAGE_BYTES
  const growth = Math.min(copied * meta.pageSize, MOST_COPIED_BYTES) + freeList
  // Removals are mostly neighbours, and take far fewer pages. Of what is put, pages are half full in the worst case.
  return isUrgent ? Math.min(growth, RESERVE_BYTES / 2) + 2 * bytes : growth + 2 * bytes + RESERVE_BYTES
}

const freePagesOf = ({ lastPage, free, main }: Meta): number => {
  const used = META_PAGES + [free, main].reduce((sum, tree) => sum + tree.leaves + tree.branches + tree.overflows, 0)
  return Math.max(0, lastPage + 1 - used)
}

/** How far the file grows ahead: an eighth of it, within these bounds. */
const LEAST_AHEAD_BYTES = 256 * 1024
const MOST_AHEAD_BYTES = 4 * 1024 ** 2
/** Of larger batches in a larger file, not every entry is in a leaf of its own. */
const MOST_COPIED_BYTES = 64 * 1024 ** 2
const META_PAGES = 2
const FREE_LIST_BYTES = 64 * 1024
const FREE_PAGE_BYTES = 8
/** For removals when there is no more space. */
const RESERVE_BYTES = 256 * 1024
