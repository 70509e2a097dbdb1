/** Reads the lines of a mosquitto.conf and of the files that it includes. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfError, type ConfLine, lineError } from './conf-line.ts'
import type { Notes } from './notes.ts'

/** Larger files are refused: a config has some kilobytes. */
const MAXIMUM_FILE_BYTES = 16 * 1024 ** 2

/**
 * Reads the options in the order in which mosquitto reads them.
 * @throws ConfError if the file cannot be read.
 */
export const readConf = (file: string, notes: Notes): ConfLine[] => {
  const lines: ConfLine[] = []
  for (const line of linesOf(file)) {
    if (line.name !== 'include_dir') lines.push(line)
    else for (const included of confFilesIn(line, notes)) lines.push(...includedLines(included, notes))
  }
  return lines
}

const linesOf = (file: string): ConfLine[] => {
  const lines: ConfLine[] = []
  for (const [index, text] of readText(file)
    .split(/\r\n|\n|\r/)
    .entries()) {
    const option = text.trim()
    if (option === '' || option.startsWith('#')) continue
    const [name] = /^\S+/.exec(option)!
    lines.push({ file, line: index + 1, name, value: option.slice(name.length).trim() })
  }
  return lines
}

const readText = (file: string): string => {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    throw new ConfError(`${file} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  if (bytes.length > MAXIMUM_FILE_BYTES) throw new ConfError(`${file} has more than ${MAXIMUM_FILE_BYTES} bytes.`)
  if (bytes.includes(0)) throw new ConfError(`${file} is not a text.`)
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}

/** The files of a folder that mosquitto reads, in its order: by their bytes. */
const confFilesIn = (line: ConfLine, notes: Notes): string[] => {
  if (line.value === '') throw lineError(line, 'has no folder')
  try {
    const names = readdirSync(line.value).filter((name) => name.endsWith('.conf'))
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map((name) => join(line.value, name))
  } catch (error) {
    const { code = 'it is not there' } = error as NodeJS.ErrnoException
    notes.add(line, `the folder cannot be read (${code}), so its options are missing here`)
    return []
  }
}

/** An included file cannot include others. */
const includedLines = (file: string, notes: Notes): ConfLine[] =>
  linesOf(file).filter((line) => {
    if (line.name !== 'include_dir') return true
    notes.add(line, 'mosquitto does not read include_dir in a file that is included itself')
    return false
  })
