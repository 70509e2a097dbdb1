import { z } from 'zod'
import type { Database } from './database.ts'
import { Environment } from './environment.ts'

/** Counted up when the shape below, the layout of the file or the options of LMDB change. */
const VERSION = 2

/** What a suspended store hands to its successor: the open file. A process must not open a file twice. */
export interface Handover {
  readonly store: 'lmdb'
  readonly version: number
  readonly path: string
  readonly database: Database
}

export const handOver = ({ path, database }: Environment): Handover => ({
  store: 'lmdb',
  version: VERSION,
  path,
  database,
})

/**
 * The open file of the predecessor.
 * @returns undefined when it was closed since.
 * @throws an Error when the predecessor was another component, or of another version.
 */
export const takeOver = (suspended: unknown): Environment | undefined => {
  const found = handover.safeParse(suspended)
  if (!found.success) {
    throw new Error(
      'The store before this one left sessions and messages in a form that this one cannot take over. ' +
        'Call stop() and then go() to start with the content of the file',
      { cause: found.error },
    )
  }
  const { path, database } = found.data
  return database.status === 'open' ? new Environment(path, database) : undefined
}

type OpenDatabase = Database & { readonly status: string }

const handover = z.strictObject({
  store: z.literal('lmdb'),
  version: z.literal(VERSION),
  path: z.string(),
  database: z.custom<OpenDatabase>(
    (value) => typeof value === 'object' && value !== null && 'transactionSync' in value && 'status' in value,
    'not a database of lmdb',
  ),
})
