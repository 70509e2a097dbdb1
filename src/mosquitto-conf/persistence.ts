/** The options of a mosquitto.conf for the file with sessions and messages: the entry `store`. */

import type { ConfLine } from './conf-line.ts'
import type { Notes } from './notes.ts'
import type { SourceEntry } from './system-source.ts'
import { booleanOf, textOf } from './values.ts'

/** The directory of the store where mosquitto would use the one that it runs in. */
const DEFAULT_PATH = 'data'
/** A large store takes longer to open than other components take to start. */
const START_DEADLINE_MS = 120_000

const EACH_IS_WRITTEN = 'it is not needed: each message is on the disk before it is acknowledged'
const NOTHING_IS_WRITTEN = 'nothing is on the disk, because persistence is not on'

const OPTIONS: ReadonlySet<string> = new Set([
  ...['persistence', 'persistence_location', 'persistence_file', 'autosave_interval', 'autosave_on_changes'],
])

/** Whether a line is one of these. */
export const isPersistence = ({ name }: ConfLine): boolean => OPTIONS.has(name)

/**
 * @param lines those for which `isPersistence` is true.
 * @returns the entry of the store, and its directory; undefined if it is in memory, as that of mosquitto is by default.
 */
export const takePersistence = (
  lines: readonly ConfLine[],
  notes: Notes,
): { readonly store: SourceEntry; readonly path: string | undefined } => {
  let isOn = false
  let path = DEFAULT_PATH
  for (const line of lines) {
    if (line.name === 'persistence') isOn = booleanOf(line)
    if (line.name === 'persistence_location') path = textOf(line)
  }
  for (const line of lines) {
    if (line.name === 'persistence' || (isOn && line.name === 'persistence_location')) continue
    if (!isOn) notes.add(line, NOTHING_IS_WRITTEN)
    else if (line.name === 'persistence_file') notes.add(line, 'the files of the store have names of their own')
    else notes.add(line, EACH_IS_WRITTEN)
  }
  const dependencies = { logger: 'logger' }
  if (!isOn) return { store: { name: 'store', component: 'memoryStore', dependencies }, path: undefined }
  const store = {
    ...{ name: 'store', component: 'lmdbStore', config: { path }, startDeadlineMs: START_DEADLINE_MS, dependencies },
    comment: 'Sessions, queued and retained messages. They begin empty: the file of mosquitto is not read.',
  }
  return { store, path }
}
