/** The text of a password file: a user in each line, `name:hash`. */

import { setImmediate } from 'node:timers/promises'
import { parsePasswordHash } from './password-hash.ts'

/** Lines that are read in one turn of the event loop: some milliseconds. */
const LINES_IN_A_TURN = 2_000
/** Bad lines that an error describes; of more it says how many. */
const DESCRIBED_LINES = 100
/** The User Name of CONNECT. */
const MAXIMUM_NAME_BYTES = 65_535

export interface UserLines {
  /** The hashes, as they are written, by the names. */
  readonly users: ReadonlyMap<string, string>
  /** The number of hashes that need Argon2. */
  readonly argon2Count: number
}

/** Says which lines of a password file are wrong, all of them, and repeats no hash and no password. */
export class PasswordFileError extends Error {
  override readonly name = 'PasswordFileError'
}

/**
 * Reads the lines. Blank lines, and lines that begin with `#`, are no users.
 * @param path for the error.
 * @throws PasswordFileError when any line is wrong.
 */
export const parseUserLines = async (path: string, content: Uint8Array): Promise<UserLines> => {
  const users = new Map<string, string>()
  const lineOf = new Map<string, number>()
  const problems: string[] = []
  let argon2Count = 0
  let number = 0
  for (const line of linesOf(content)) {
    number += 1
    if (number % LINES_IN_A_TURN === 0) await setImmediate()
    const user = parseLine(line)
    if (user === undefined) continue
    const problem = typeof user === 'string' ? user : repeated(user.name, lineOf)
    if (problem !== undefined) problems.push(`line ${number} ${problem}`)
    if (typeof user === 'string') continue
    if (!users.has(user.name)) lineOf.set(user.name, number)
    users.set(user.name, user.hash)
    if (user.hash.startsWith('$argon2id$')) argon2Count += 1
  }
  if (problems.length > 0) throw new PasswordFileError(describe(path, problems))
  return { users, argon2Count }
}

/** @returns undefined for a line without a user, and what is wrong with a bad one. */
const parseLine = (bytes: Uint8Array): { readonly name: string; readonly hash: string } | string | undefined => {
  let line: string
  try {
    line = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return 'is not UTF-8'
  }
  const text = line.trimEnd()
  if (text === '' || text.startsWith('#')) return undefined
  const colon = text.indexOf(':')
  // What stands there may be a password.
  if (colon < 0) return 'is not name:hash'
  const name = text.slice(0, colon)
  const problem = nameProblem(name)
  if (problem !== undefined) return problem
  const hash = text.slice(colon + 1)
  const parsed = parsePasswordHash(hash)
  return typeof parsed === 'string' ? `${parsed}: the user is '${name}'` : { name, hash }
}

const repeated = (name: string, lineOf: ReadonlyMap<string, number>): string | undefined => {
  const first = lineOf.get(name)
  return first === undefined ? undefined : `has the name '${name}', as line ${first} has`
}

const describe = (path: string, problems: readonly string[]): string => {
  const more = problems.length - DESCRIBED_LINES
  const shown = problems.slice(0, DESCRIBED_LINES).join('\n')
  return `${path} has bad lines:\n${shown}${more > 0 ? `\nand ${more} more` : ''}`
}

/** Why a name cannot be in a password file; undefined if it can. */
export const nameProblem = (name: string): string | undefined => {
  if (name === '') return 'has no user name'
  if (Buffer.byteLength(name) > MAXIMUM_NAME_BYTES) return `has a user name of more than ${MAXIMUM_NAME_BYTES} bytes`
  if (name.includes(':')) return "has a user name with ':', which ends a name in the file"
  if (name.startsWith('#')) return "has a user name that begins with '#', as a comment does"
  if (/\p{Cc}|\p{Cs}|\ufeff/u.test(name)) return 'has a user name with control characters'
  if (name.trim() !== name) return 'has a user name that begins or ends with a space'
  return undefined
}

/**
 * Writes a user into the text of a password file. All other lines stay as they are.
 * @param hash undefined removes the user.
 * @returns undefined when that changes nothing.
 */
export const withUser = (content: Uint8Array, name: string, hash: string | undefined): Uint8Array | undefined => {
  const prefix = Buffer.from(`${name}:`)
  const own = hash === undefined ? undefined : Buffer.from(`${name}:${hash}\n`)
  const lines: Uint8Array[] = []
  let found = false
  for (const line of linesOf(content)) {
    if (!startsWith(line, prefix)) lines.push(line, Buffer.from('\n'))
    else if (!found && own !== undefined) lines.push(own)
    found ||= startsWith(line, prefix)
  }
  if (!found && own === undefined) return undefined
  if (!found && own !== undefined) lines.push(own)
  return Buffer.concat(lines)
}

const startsWith = (line: Uint8Array, prefix: Uint8Array): boolean =>
  line.length >= prefix.length && Buffer.compare(line.subarray(0, prefix.length), prefix) === 0

/** The lines without their line feeds. The end of the file after a line feed is not a line. */
function* linesOf(content: Uint8Array): Generator<Uint8Array> {
  let start = startOfText(content)
  while (start < content.length) {
    const end = content.indexOf(0x0a, start)
    yield content.subarray(start, end < 0 ? content.length : end)
    start = end < 0 ? content.length : end + 1
  }
}

/** An editor of Windows puts a byte order mark at the beginning. */
const startOfText = (content: Uint8Array): number =>
  content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf ? 3 : 0
