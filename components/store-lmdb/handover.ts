import { z } from 'zod'
import { Environment, type OpenFile } from './environment.ts'

/** Counted up when the shape below, that of `OpenFile`, the layout of the file or the options of LMDB change. */
const VERSION = 4

/** What a suspended store hands to its successor: the open file. A process must not open a file twice. */
export interface Handover {
  readonly store: 'lmdb'
  readonly version: number
  readonly file: OpenFile
}

export const handOver = (environment: Environment): Handover => ({
  store: 'lmdb',
  version: VERSION,
  file: environment.handOver(),
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
  const { file } = found.data
  const environment = new Environment(file.path)
  environment.takeOver(file)
  return environment.isOpen ? environment : undefined
}

const handover = z.strictObject({
  store: z.literal('lmdb'),
  version: z.literal(VERSION),
  file: z.custom<OpenFile>(
    (value) => typeof value === 'object' && value !== null && 'database' in value && 'isClosed' in value,
    'no open file of lmdb',
  ),
})
