import { fstatSync } from 'node:fs'
import { appendFile, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Meta, metaAt, newer } from './meta-page.ts'

/** What is committed next. */
export interface Writing {
  /** Puts and removals. */
  readonly count: number
  /** Of their keys and values. */
  readonly bytes: number
  /** Bytes that stay free on the disk. */
  readonly keepFree: number
  /** Removals that make space: they may take the last reserve. */
  readonly isUrgent: boolean
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
 * (docs/adr/0013). What others write behind the end meanwhile is not overwritten. No commit may be running.
 * @param descriptor the open file.
 * @throws the error of the system, or one that says that too little would stay free. Some zeros may have been written: they do no harm.
 */
export const makeSpace = async (path: string, descriptor: number, writing: Writing): Promise<void> => {
  const meta = newestMeta(descriptor)
  if (meta === undefined) return
  const used = (meta.lastPage + 1) * meta.pageSize
  const needed = used + growthOf(writing, meta)
  const { size } = fstatSync(descriptor)
  if (size >= needed) return
  const { keepFree } = writing
  const free = ((keepFree > 0 ? await freeBytesAt(dirname(path)) : undefined) ?? Number.POSITIVE_INFINITY) - keepFree
  if (free < needed - size) throw new Error(`less than minimumFreeBytes (${keepFree}) would stay free`)
  const ahead = Math.min(Math.max(used / 8, LEAST_AHEAD_BYTES), MOST_AHEAD_BYTES)
  try {
    await appendFile(path, Buffer.alloc(Math.ceil(Math.min(needed + ahead - size, free))))
  } catch (error) {
    // It was written as far as there is space, which may be enough.
    if (fstatSync(descriptor).size < needed) throw error
  }
}

const newestMeta = (descriptor: number): Meta | undefined => {
  const first = metaAt(descriptor, 0)
  const second = first && metaAt(descriptor, first.pageSize)
  return second && newer(first, second)
}

/** By how many bytes a commit makes the file longer, if no page that is free can be used. */
const growthOf = ({ count, bytes, isUrgent }: Writing, { pageSize, lastPage, trees: [, main] }: Meta): number => {
  // Each one writes the pages from the root to its leaf again.
  const copied = Math.min(count * (main.depth + 1), main.pages, MOST_COPIED_PAGES)
  // Pages are half full in the worst case.
  const added = 2 * (bytes + count * ENTRY_BYTES)
  const freeList = FREE_LIST_BYTES + lastPage * FREE_PAGE_BYTES
  return copied * pageSize + added + freeList + (isUrgent ? 0 : RESERVE_BYTES)
}

/** How far the file grows ahead: an eighth of it, within these bounds. */
const LEAST_AHEAD_BYTES = 256 * 1024
const MOST_AHEAD_BYTES = 4 * 1024 ** 2
/** Large batches write neighbours: far fewer pages than the formula has. */
const MOST_COPIED_PAGES = 4_096
/** Of the head of an entry. */
const ENTRY_BYTES = 16
const FREE_LIST_BYTES = 64 * 1024
/** The list of the free pages may be written as a whole. */
const FREE_PAGE_BYTES = 8
/** For removals when there is no more space. */
const RESERVE_BYTES = 256 * 1024
