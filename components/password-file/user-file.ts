/** A password file on disk, as the broker and the command read and change it. */

import { readBoundedFile } from '../../src/files/read-bounded-file.ts'
import { replaceFile } from '../../src/files/replace-file.ts'
import { nameProblem, parseUserLines, type UserLines, withUser } from './user-lines.ts'
import { hashPassword } from './verify-password.ts'

/** The Password of CONNECT. */
const MAXIMUM_PASSWORD_BYTES = 65_535

export interface UserFileContent extends UserLines {
  /** Whether all users of the machine may read the file. */
  readonly isPublic: boolean
}

/**
 * Reads a password file.
 * @returns undefined when there is no such file.
 * @throws PasswordFileError for a file that has bad lines; an Error that names the file when it is too large or cannot be read.
 */
export const readUserFile = async (path: string, maximumBytes: number): Promise<UserFileContent | undefined> => {
  const file = await readBoundedFile(path, maximumBytes, 'maximumFileBytes').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new Error(`the password file ${path} cannot be read: ${error.message}`, { cause: error })
  })
  if (file === undefined) return undefined
  const isPublic = process.platform !== 'win32' && (file.mode & 0o004) !== 0
  return { ...(await parseUserLines(path, file.content)), isPublic }
}

/**
 * Writes a user with its password into the file, which is made if there is none.
 * @returns whether the user was there before.
 * @throws TypeError that says what is wrong with the name or the password; an Error about the file. Nothing is changed then.
 */
export const setUser = async (path: string, name: string, password: string): Promise<boolean> => {
  const problem = nameProblem(name)
  if (problem !== undefined) throw new TypeError(`${JSON.stringify(name)} cannot be a user: its line ${problem}`)
  if (password === '') throw new TypeError('the password is empty')
  if (Buffer.byteLength(password) > MAXIMUM_PASSWORD_BYTES) {
    throw new TypeError(`the password has more than ${MAXIMUM_PASSWORD_BYTES} bytes`)
  }
  if (password.endsWith('\0')) throw new TypeError('the password ends with U+0000, which a hash ignores')
  const hash = await hashPassword(password)
  let existed = false
  await replaceFile(path, async (content = new Uint8Array(0)) => {
    // A file with bad lines is not changed: the broker would not read it afterwards either.
    existed = (await parseUserLines(path, content)).users.has(name)
    return withUser(content, name, hash)
  })
  return existed
}

/** Removes a user from the file. @returns false when it is not there. @throws as `setUser`. */
export const deleteUser = async (path: string, name: string): Promise<boolean> => {
  if (nameProblem(name) !== undefined) return false
  return replaceFile(path, async (content) => {
    if (content === undefined || !(await parseUserLines(path, content)).users.has(name)) return undefined
    return withUser(content, name, undefined)
  })
}
