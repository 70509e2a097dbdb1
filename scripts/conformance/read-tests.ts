/** Which tests name which statement of the specification, read from the sources of the tests. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A test that names statements in its title: `it('is retained [MQTT-3.1.2-15]', ...)`. */
export interface NamedTest {
  /** The name of its file. */
  readonly file: string
  /** Its title without the ids. Values from a table of cases are replaced by three dots. */
  readonly title: string
  /** Ids of MQTT 5.0; those of MQTT 3.1.1 begin with `3.1.1 `. */
  readonly ids: readonly string[]
}

/** A string in single quotes that has ids in brackets. */
const NAMED = /'([^'\n]*\[(?:3\.1\.1 )?MQTT-[^\]\n]+\][^'\n]*)'/g
const IDS = /\s*\[((?:3\.1\.1 )?MQTT-[^\]]+)\]/
/** The title that follows a table of cases. */
const TITLE_OF_TABLE = /\]\s*(?:as const\s*)?\)\(\s*'([^'\n]*)'/

/** Reads the tests of a folder, in the order of their files and of their places in them. */
export const readTests = (folder: string): readonly NamedTest[] =>
  testFiles(folder).flatMap((file) => {
    const source = readFileSync(join(folder, file), 'utf8')
    return [...source.matchAll(NAMED)].map((match) => namedTest(file, source, match))
  })

/** Names of the files with tests, in natural order: 3.2 before 3.10. */
export const testFiles = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))

const namedTest = (file: string, source: string, match: RegExpExecArray | RegExpMatchArray): NamedTest => {
  const text = match[1] ?? ''
  const start = match.index ?? 0
  // The first value of a row of a table goes into the title that follows the table.
  const isRow = /\[\s*$/.test(source.slice(0, start))
  const title = isRow ? source.slice(start).match(TITLE_OF_TABLE)?.[1]?.replace('%s', text) : text
  const ids = text.match(IDS)?.[1]?.split(/,\s*/) ?? []
  return { file, title: (title ?? text).replace(IDS, '').replaceAll(/%[a-z]/g, '…'), ids }
}
