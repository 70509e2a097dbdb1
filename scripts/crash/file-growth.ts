import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** The largest size of the files of a store in the first half of a soak and in the second one, in bytes. */
export interface FileBytes {
  readonly early: number
  readonly late: number
}

/** By this factor, and so many bytes, the second half may be larger by chance. Steady growth doubles it. */
const CHANCE = 1.25
const CHANCE_BYTES = 2 * 1024 ** 2

/** Why the files of a store grow without a bound, as text; undefined if they do not. */
export const growthOf = ({ early, late }: FileBytes): string | undefined =>
  late > CHANCE * early + CHANCE_BYTES ? `the store grew from ${mebibytes(early)} to ${mebibytes(late)}` : undefined

/** The bytes of all files in the directory of a broker. */
export const storeBytes = (directory: string): number =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((total, { parentPath, name }) => total + sizeOf(join(parentPath, name)), 0)

export const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`

/** A file may be gone by now. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
