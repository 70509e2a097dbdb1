/**
 * Reads all rows of a store and nothing else, in a process of its own: what any start costs at least. lmdb-js and its options are
 * those of the store, and so are the pages. Argument: the directory of the store.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import { open } from 'lmdb'

/** The rows and bytes of a page, as `restore.ts` reads them. */
const pageRows = 1_000
const pageBytes = 1024 ** 2

export interface ScanReport {
  readonly rows: number
  readonly bytes: number
  readonly cpuMs: number
  readonly wallMs: number
}

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: scan DIRECTORY')
const database = open<Buffer, Buffer>({
  ...{ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary', maxDbs: 1, compression: false },
  ...{ overlappingSync: false, eventTurnBatching: false, noMemInit: true, readOnly: true, mapSize: 1024 ** 3 },
})
const zero = Buffer.from([0])
const end = Buffer.from([0xff])
let rows = 0
let bytes = 0
/** Without it the engine could leave the reads out. */
let touched = 0
for (let start = Buffer.from([0]); ; await nextTurn()) {
  let last: Buffer | undefined
  let page = 0
  for (const { key, value } of database.getRange({ start, end, limit: pageRows })) {
    touched ^= key[0]! ^ key[key.length - 1]! ^ value[0]! ^ value[value.length - 1]!
    rows += 1
    bytes += key.length + value.length
    last = key
    page += value.length
    if (page > pageBytes) break
  }
  if (last === undefined) break
  start = Buffer.concat([last, zero])
}
await database.close()
if (touched > 0xff) throw new Error('a byte is more than a byte')
const { user, system } = process.cpuUsage()
const report: ScanReport = { rows, bytes, cpuMs: (user + system) / 1000, wallMs: performance.now() }
process.send?.(report, () => process.exit(0))
