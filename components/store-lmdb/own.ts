import { hostname } from 'node:os'
import { z } from 'zod'
import { packageVersion } from '../../src/files/package-version.ts'
import type { Environment } from './environment.ts'
import { ABOUT_KEY, FORMAT } from './layout.ts'
import { readValue, writeValue } from './values.ts'

/** The first entry of the file. */
const about = z.object({
  format: z.int().min(0),
  /** Of the package that wrote it last. */
  version: z.string(),
  owner: z.object({ pid: z.int(), host: z.string(), startedAtMs: z.number() }).nullable().catch(null),
})

export type About = z.output<typeof about>

/** Of the first entry, at most. */
const ABOUT_BYTES = 1_024

/** The oldest format that this code reads. */
const OLDEST_FORMAT = 1

/**
 * What the file says of itself.
 * @returns undefined for a new file.
 * @throws an Error when it is of a format that this code does not read.
 */
export const readAbout = (environment: Environment): About | undefined => {
  const value = environment.get(ABOUT_KEY)
  if (value === undefined) {
    const [first] = environment.keys(Buffer.from([0]), Buffer.from([255]), 1)
    if (first === undefined) return undefined
    throw new Error(`The file in ${environment.path} is not a store of mqtt-jig: its first entry is missing`)
  }
  const found = about.safeParse(unpacked(value))
  if (!found.success) {
    throw new Error(`The file in ${environment.path} is not a store of mqtt-jig: its first entry cannot be read`)
  }
  const { format, version } = found.data
  if (format < OLDEST_FORMAT || format > FORMAT) {
    throw new Error(
      `The store in ${environment.path} was written by mqtt-jig ${version} (format ${format}), and this version reads formats ${OLDEST_FORMAT} to ${FORMAT}. ` +
        'Start that version, or export the store with it and import the export',
    )
  }
  return found.data
}

/**
 * Makes this process the owner of the file.
 * @throws an Error that names the process that has it.
 */
export const own = async (environment: Environment): Promise<void> => {
  if (environment.readers().includes(process.pid)) {
    throw new Error(
      `${environment.path} is in use by a process with the pid of this one, ${process.pid}: one of another container, or this one`,
    )
  }
  // From the first read on, other processes see this one in the table of readers.
  environment.get(ABOUT_KEY)
  refuseIfOwned(environment)
  await environment.makeSpace({ count: 1, bytes: ABOUT_BYTES, keepFree: 0, isUrgent: true })
  environment.transaction(() => {
    refuseIfOwned(environment)
    const entry = {
      format: FORMAT,
      version: packageVersion(),
      owner: { pid: process.pid, host: hostname(), startedAtMs: Date.now() },
    }
    environment.putOwner(writeValue(entry))
  })
}

const refuseIfOwned = (environment: Environment): void => {
  const owner = readAbout(environment)?.owner ?? undefined
  if (owner === undefined || owner.pid === process.pid || !environment.readers().includes(owner.pid)) return
  const since = new Date(owner.startedAtMs).toISOString()
  throw new Error(
    `${environment.path} is in use by process ${owner.pid} on ${owner.host}, since ${since}. Stop it, or use another path`,
  )
}

const unpacked = (value: Buffer): unknown => {
  try {
    return readValue(value)
  } catch {
    return undefined
  }
}
