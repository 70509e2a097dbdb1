/**
 * `mqtt-jig scram`, and `npm run scram` in a checkout: makes the credential of a user. It stands here, beside what it shares with the component, as the
 * scripts know no component.
 */

import { randomBytes } from 'node:crypto'
import type { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { readPassword } from '../../src/terminal/read-password.ts'
import { formatCredential, maximumIterations, minimumIterations } from './credential.ts'
import { deriveKeys } from './keys.ts'
import { prepare } from './prepare.ts'

/** A tenth of a second or less on most machines: clients need that much at every connection. */
const defaultIterations = 100_000
const saltLength = 16

const usage = (called: string): string => `Usage: ${called} NAME [--iterations N]

Reads a password from the standard input and prints the line for NAME in the \`users\` of scramSha256.

  --iterations N  how often the password is hashed, ${minimumIterations} to ${maximumIterations}; ${defaultIterations} unless given.
                  Every client does as much at every connection: small devices need fewer.
  --help          print this and exit
`

export interface Streams {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: Writable
  readonly stderr: Writable
}

/** Runs the command line; resolves with the exit code: 0, 1 when there is no password to use, 2 for a wrong command. */
export const main = async (
  args: readonly string[],
  { name: called }: { readonly name: string } = { name: 'npm run --silent scram --' },
  streams: Streams = process,
): Promise<number> => {
  const command = parse(args)
  if (typeof command === 'string') {
    streams.stderr.write(`${command}\nTry: ${called} --help\n`)
    return 2
  }
  if (command.help) {
    streams.stdout.write(usage(called))
    return 0
  }
  const { name, iterations } = command
  let password: string | undefined
  try {
    password = await readPassword(streams.stdin, streams.stderr)
  } catch (error) {
    streams.stderr.write(`${(error as Error).message}\n`)
    return 1
  }
  const prepared = password === undefined ? undefined : prepare(password)
  if (prepared === undefined) {
    streams.stderr.write('There is no password, or it holds characters that no password may have.\n')
    return 1
  }
  const salt = randomBytes(saltLength)
  const credential = formatCredential({ iterations, salt, ...(await deriveKeys(prepared, salt, iterations)) })
  streams.stdout.write(`${key(name)}: '${credential}',\n`)
  return 0
}

/** The requested action, or the problem of the command line. */
const parse = (args: readonly string[]): string | { name: string; iterations: number; help: boolean } => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { iterations: { type: 'string' }, help: { type: 'boolean', default: false } },
    })
    if (values.help) return { name: '', iterations: defaultIterations, help: true }
    if (positionals.length !== 1) return 'Give the name of one user.'
    const name = prepare(positionals[0]!)
    if (name === undefined) return 'The name is empty or holds characters that no name may have.'
    // Written in an object it is no key.
    if (name === '__proto__') return 'No user of a config can have this name.'
    const iterations = Number(values.iterations ?? defaultIterations)
    if (!Number.isInteger(iterations) || iterations < minimumIterations || iterations > maximumIterations) {
      return `The iterations are ${minimumIterations} to ${maximumIterations}.`
    }
    return { name, iterations, help: false }
  } catch (error) {
    return (error as Error).message
  }
}

/** The name as a key of an object in TypeScript. */
const key = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name))
