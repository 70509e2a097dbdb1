import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DATA_FILE, type Environment } from '../environment.ts'
import { readMessageKey, tables } from '../layout.ts'
import { readAbout } from '../own.ts'
import { type Progress, rowsOf } from './rows.ts'

/** What is in a file, as lines for a person. */
export const statsOf = async (environment: Environment, progress: Progress): Promise<string[]> => {
  const about = readAbout(environment)
  const names = ['sessions', 'subscriptions', 'received', 'messages', 'states', 'sent', 'retained', 'sources'] as const
  const sizes = new Map<string, { entries: number; bytes: number }>(
    names.map((name) => [name, { entries: 0, bytes: 0 }]),
  )
  for await (const { key, value } of rowsOf(environment, Object.values(tables), progress)) {
    const size = sizes.get(nameOf(key))
    if (size === undefined) continue
    size.entries += 1
    size.bytes += key.length + value.length
  }
  const { pageSize, lastPageNumber, treeBranchPageCount, treeLeafPageCount, overflowPages } = environment.statistics
  const used = treeBranchPageCount + treeLeafPageCount + overflowPages + META_PAGES
  const free = Math.max(0, lastPageNumber + 1 - used)
  const fileBytes = statSync(join(environment.path, DATA_FILE)).size
  // The file grows ahead of what is written.
  const ahead = Math.max(0, Math.floor(fileBytes / pageSize) - lastPageNumber - 1)
  const owner = about?.owner ?? undefined
  const isRunning = owner !== undefined && environment.readers().includes(owner.pid)
  return [
    `path            ${environment.path}`,
    `format          ${about?.format ?? 'none'}, written by mqtt-jig ${about?.version ?? 'unknown'}`,
    `in use          ${isRunning ? `by process ${owner.pid} on ${owner.host}` : 'no'}`,
    `file            ${fileBytes} bytes, pages of ${pageSize}: ${used} used, ${free} free, ${ahead} never used`,
    ...[...sizes].map(([name, { entries, bytes }]) => `${name.padEnd(15)} ${entries} entries, ${bytes} bytes`),
  ]
}

const nameOf = (key: Buffer): string => {
  switch (key[0]) {
    case tables.messages:
      return readMessageKey(key).chunk === -1 ? 'states' : 'messages'
    case tables.retained:
      return 'retained'
    case tables.sources:
      return 'sources'
    case tables.sessions:
      return 'sessions'
    case tables.subscriptions:
      return 'subscriptions'
    case tables.received:
      return 'received'
    case tables.sent:
      return 'sent'
    default:
      return ''
  }
}

const META_PAGES = 2
