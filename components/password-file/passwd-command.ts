/**
 * `mqtt-jig passwd`, and `npm run passwd` in a checkout: changes the users of a password file. It stands here, beside what it shares
 * with the component, as the scripts know no component.
 */

import type { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { readPassword } from '../../src/terminal/read-password.ts'
import { loadArgon2 } from './argon2.ts'
import { passwordFileConfig } from './config.ts'
import { parsePasswordHash } from './password-hash.ts'
import { deleteUser, readUserFile, setUser } from './user-file.ts'
import { nameProblem } from './user-lines.ts'
import { verifyPassword } from './verify-password.ts'

const DEFAULT_FILE = 'passwords'
const actions = ['add', 'delete', 'list', 'check'] as const
type Action = (typeof actions)[number]

const usage = (called: string): string => `Usage: ${called} add|delete|check [--file FILE] NAME
       ${called} list [--file FILE]

Changes the users of a password file. A running broker takes the change over within some seconds, and disconnects clients of
users that were deleted or got another password.

  add          adds a user, or changes its password; creates the file if it does not exist
  delete       removes a user
  list         prints the names of the users
  check        says whether a password is right
  --file FILE  the file; ${DEFAULT_FILE} unless given
  --help       print this and exit

The password is asked for in a terminal, and otherwise it is the first line of the standard input.
Exit codes: 0 done, or the password is right; 1 there is no such user, the password is wrong, the file cannot be read or
written; 2 the command line is wrong.
`

export interface Streams {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: Writable
  readonly stderr: Writable
}

interface Command {
  readonly action: Action
  readonly file: string
  /** Empty for `list`. */
  readonly name: string
}

/** Runs the command line; resolves with the exit code. */
export const main = async (
  args: readonly string[],
  { name: called }: { readonly name: string } = { name: 'npm run --silent passwd --' },
  streams: Streams = process,
): Promise<number> => {
  const command = parse(args)
  if (command === 'help') {
    streams.stdout.write(usage(called))
    return 0
  }
  if (typeof command === 'string') {
    streams.stderr.write(`${command}\nTry: ${called} --help\n`)
    return 2
  }
  try {
    return await run(command, streams)
  } catch (error) {
    streams.stderr.write(`${(error as Error).message}\n`)
    return 1
  }
}

/** The requested action, or the problem of the command line. */
const parse = (args: readonly string[]): Command | string => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { file: { type: 'string', default: DEFAULT_FILE }, help: { type: 'boolean', default: false } },
    })
    if (values.help) return 'help'
    const [word, ...names] = positionals
    const action = actions.find((each) => each === word)
    if (action === undefined) return `Choose an action: ${actions.join(', ')}.`
    if (action === 'list') {
      return names.length === 0 ? { action, file: values.file, name: '' } : 'list takes no name.'
    }
    // A password is not an argument: other users of the machine can see arguments.
    if (names.length !== 1) return `Give the name of one user: ${action} NAME. The password is asked for.`
    const problem = nameProblem(names[0]!)
    if (problem !== undefined) return `This cannot be the name of a user: its line ${problem}.`
    return { action, file: values.file, name: names[0]! }
  } catch (error) {
    return (error as Error).message
  }
}

const run = async ({ action, file, name }: Command, streams: Streams): Promise<number> => {
  const { stdin, stdout, stderr } = streams
  switch (action) {
    case 'add': {
      const existed = await setUser(file, name, await passwordFrom(streams, true))
      stderr.write(existed ? `The password of ${name} was changed in ${file}.\n` : `${name} was added to ${file}.\n`)
      return 0
    }
    case 'delete': {
      const existed = await deleteUser(file, name)
      stderr.write(existed ? `${name} was deleted from ${file}.\n` : `There is no user ${name} in ${file}.\n`)
      return existed ? 0 : 1
    }
    case 'list': {
      const names = [...(await usersOf(file)).keys()].sort()
      stdout.write(names.map((each) => `${each}\n`).join(''))
      return 0
    }
    case 'check': {
      const hash = (await usersOf(file)).get(name)
      if (hash === undefined) {
        stderr.write(`There is no user ${name} in ${file}.\n`)
        return 1
      }
      const isRight = await isPassword(hash, await passwordFrom({ stdin, stdout, stderr }, false))
      stderr.write(`The password of ${name} is ${isRight ? 'right' : 'wrong'}.\n`)
      return isRight ? 0 : 1
    }
  }
}

const passwordFrom = async ({ stdin, stderr }: Streams, isNew: boolean): Promise<string> => {
  const password = await readPassword(stdin, stderr, { isNew })
  if (password === undefined || password === '') throw new Error('There is no password.')
  return password
}

/** @throws when there is no file, or it has bad lines. */
const usersOf = async (file: string): Promise<ReadonlyMap<string, string>> => {
  const content = await readUserFile(file, passwordFileConfig.shape.maximumFileBytes.parse(undefined))
  if (content === undefined) throw new Error(`There is no file ${file}.`)
  return content.users
}

const isPassword = async (text: string, password: string): Promise<boolean> => {
  const hash = parsePasswordHash(text)
  if (typeof hash === 'string') throw new Error(`The file ${hash}.`)
  const argon2 = hash.scheme === 'argon2id' ? await loadArgon2() : undefined
  return verifyPassword(hash, Buffer.from(password), argon2)
}
