import { readFileSync } from 'node:fs'

/** Resident memory of a process, in bytes. */
export interface ResidentMemory {
  /** The most that was resident at a time. */
  readonly peak: number
  /** Now, by kind. */
  readonly resident: number
  /** Pages of files, the program among them. The system can take them back at any time. */
  readonly file: number
  /** Of these, pages of the store's file. */
  readonly store: number
  readonly anonymous: number
}

/** @returns undefined where there is no /proc. */
export const memoryOf = (pid: number, storeFile: string): ResidentMemory | undefined => {
  try {
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
    return parseMemory({ status: read('status'), rollup: read('smaps_rollup'), maps: read('smaps') }, storeFile)
  } catch {
    return undefined
  }
}

/** @param texts of /proc/PID/status, smaps_rollup and smaps. @param storeFile its path, as the process has opened it. */
export const parseMemory = (
  { status, rollup, maps }: { readonly status: string; readonly rollup: string; readonly maps: string },
  storeFile: string,
): ResidentMemory => {
  const resident = kilobytes(rollup, 'Rss')
  const anonymous = kilobytes(rollup, 'Anonymous')
  // Each mapping begins with a line of its addresses, which ends with the path of the file.
  const store = maps
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter((mapping) => mapping.slice(0, mapping.indexOf('\n')).endsWith(` ${storeFile}`))
    .reduce((sum, mapping) => sum + kilobytes(mapping, 'Rss'), 0)
  return { peak: kilobytes(status, 'VmHWM'), resident, anonymous, file: resident - anonymous, store }
}

const kilobytes = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024
