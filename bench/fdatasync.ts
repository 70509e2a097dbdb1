import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const COUNT = 200
const PAUSE_MS = 10
const PAGE_BYTES = 4096

/** Writes a page to a file of a directory and calls `fdatasync`, again and again. @returns the median of the time, in microseconds. */
export const fdatasyncP50Us = async (directory: string): Promise<number> => {
  const file = await open(join(directory, 'fdatasync'), 'w')
  try {
    const page = Buffer.alloc(PAGE_BYTES, 'page ')
    const times: number[] = []
    for (let index = 0; index < COUNT; index += 1) {
      await sleep(PAUSE_MS)
      const startMs = performance.now()
      // The pages of a store are written again: a file that grows would also write its length.
      await file.write(page, 0, PAGE_BYTES, (index % 2) * PAGE_BYTES)
      await file.datasync()
      times.push((performance.now() - startMs) * 1000)
    }
    return times.sort((a, b) => a - b)[COUNT / 2]!
  } finally {
    await file.close()
  }
}
