/** `mqtt-jig store`, and `npm run store` in a checkout: looks after the file of a store. */

import { createReadStream, createWriteStream, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { storeLmdbConfig } from '../config.ts'
import { DATA_FILE, Environment, namingStore } from '../environment.ts'
import { OpenStore } from '../open-store.ts'
import { own } from '../own.ts'
import { checkStore } from './check.ts'
import { type ChildResult, runAgain } from './child.ts'
import { compact } from './compact.ts'
import { exportLines } from './export.ts'
import { importLines } from './import.ts'
import { loggerTo } from './logger-to.ts'
import { progressLine } from './rows.ts'
import { statsOf } from './stats.ts'

const actions = ['stats', 'check', 'compact', 'backup', 'export', 'import'] as const
type Action = (typeof actions)[number]
const DEFAULT_PATH = storeLmdbConfig.parse({}).path

const usage = (called: string): string => `Usage: ${called} ACTION [--path DIRECTORY]

  stats              prints what is in the store
  check              reads every entry and says what is wrong
  compact            makes the file as small as it can be; the broker must not run
  backup DIRECTORY   writes a compact copy into an empty directory
  export [FILE]      writes everything as lines of JSON, to the standard output unless a file is named
  import [FILE]      reads an export, from the standard input unless a file is named; the store must be empty
  --path DIRECTORY   the directory of the store; ${DEFAULT_PATH} unless given
  --drop             with check: removes the entries that cannot be read, after a backup; the broker must not run
  --help             print this and exit

stats, check, backup and export may be used while the broker runs.
Exit codes: 0 done; 1 the store is damaged, in use or cannot be read; 2 the command line is wrong.
`

export interface Streams {
  readonly stdin: NodeJS.ReadableStream
  readonly stdout: Writable
  readonly stderr: Writable
}

interface Command {
  readonly action: Action
  readonly path: string
  /** Of `backup`, `export` and `import`. */
  readonly file: string | undefined
  readonly drop: boolean
  /** Checks in this process: what the process that `check` starts is told. */
  readonly here: boolean
}

/**
 * Runs the command line; resolves with the exit code.
 * @param again runs the same command line in another process.
 */
export const main = async (
  args: readonly string[],
  { name: called }: { readonly name: string } = { name: 'npm run --silent store --' },
  streams: Streams = process,
  again: () => Promise<ChildResult> = runAgain,
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
    return await run(command, streams, again)
  } catch (error) {
    streams.stderr.write(`${(namingStore(error, command.path) as Error).message}\n`)
    return 1
  }
}

/** What is asked for, or what is wrong with the command line. */
const parse = (args: readonly string[]): Command | string => {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        path: { type: 'string', default: DEFAULT_PATH },
        drop: { type: 'boolean', default: false },
        here: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (values.help) return 'help'
    const [word, file, ...more] = positionals
    const action = actions.find((each) => each === word)
    if (action === undefined) return `Say what to do: ${actions.join(', ')}.`
    if (more.length > 0) return `${action} takes one name at most.`
    const takesFile = action === 'backup' || action === 'export' || action === 'import'
    if (file !== undefined && !takesFile) return `${action} takes no name.`
    if (file === undefined && action === 'backup') return 'Name the directory of the backup: backup DIRECTORY.'
    return { action, path: values.path, file, drop: values.drop, here: values.here }
  } catch (error) {
    return (error as Error).message
  }
}

const run = async (command: Command, streams: Streams, again: () => Promise<ChildResult>): Promise<number> => {
  const { action, path, file } = command
  if (action === 'import') return importInto(path, file, streams)
  if (!existsSync(join(path, DATA_FILE))) throw new Error(`There is no store in ${path}.`)
  if (action === 'check' && !command.here) return checkInChild(path, streams, again)
  const progress = progressLine(action, (line) => streams.stderr.write(line))
  const isOwner = action === 'compact' || command.drop
  const environment = Environment.open(path, { readOnly: !isOwner })
  try {
    if (isOwner) await own(environment)
    switch (action) {
      case 'stats':
        for (const line of await statsOf(environment, progress)) streams.stdout.write(`${line}\n`)
        return 0
      case 'check':
        return await check(environment, command, streams)
      case 'compact': {
        const { before, after } = await compact(environment)
        streams.stderr.write(`The file in ${path} has ${after} bytes now, ${before} before.\n`)
        return 0
      }
      case 'backup':
        await backup(environment, file!)
        streams.stderr.write(`The store in ${path} was copied to ${file}.\n`)
        return 0
      case 'export': {
        const to = file === undefined ? streams.stdout : createWriteStream(file, { flags: 'wx', mode: 0o600 })
        await pipeline(Readable.from(exportLines(environment, progress)), to, { end: file !== undefined })
        return 0
      }
    }
  } finally {
    await environment.close()
  }
}

/** Damage that the native code finds ends the process: another one is used up for that. */
const checkInChild = async (path: string, { stderr }: Streams, again: () => Promise<ChildResult>): Promise<number> => {
  const { code, signal } = await again()
  if (signal === null) return code ?? 1
  stderr.write(`The store in ${path} is damaged: the process that read it was ended by ${signal}. Restore a backup.\n`)
  return 1
}

const check = async (
  environment: Environment,
  { path, drop }: Command,
  { stdout, stderr }: Streams,
): Promise<number> => {
  const progress = progressLine('check', (line) => stderr.write(line))
  const { entries, problems, unreadable } = await checkStore(environment, progress)
  for (const problem of problems) stdout.write(`${problem}\n`)
  if (problems.length === 0) {
    stdout.write(`The store in ${path} is in order: ${entries} entries.\n`)
    return 0
  }
  if (!drop || unreadable.length === 0) {
    stdout.write(`The store in ${path} has ${problems.length} problems in ${entries} entries.\n`)
    return 1
  }
  const copy = join(path, `backup-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`)
  await backup(environment, copy)
  await environment.makeSpace({ count: unreadable.length, bytes: 0, keepFree: 0, isUrgent: false })
  environment.removeAll(unreadable)
  stdout.write(`${unreadable.length} entries were removed; a copy of the store as it was is in ${copy}.\n`)
  return 0
}

const backup = async (environment: Environment, directory: string): Promise<void> => {
  if (existsSync(directory) && readdirSync(directory).length > 0) throw new Error(`${directory} is not empty.`)
  await environment.backup(directory)
}

const importInto = async (path: string, file: string | undefined, { stdin, stderr }: Streams): Promise<number> => {
  if (existsSync(join(path, DATA_FILE)))
    throw new Error(`There is a store in ${path} already. Import into an empty directory.`)
  const input = file === undefined ? stdin : createReadStream(file)
  const store = await OpenStore.open(storeLmdbConfig.parse({ path }), loggerTo(stderr))
  try {
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
    const count = await importLines(
      lines,
      store,
      progressLine('import', (line) => stderr.write(line)),
    )
    stderr.write(`${count} lines were imported into ${path}.\n`)
    return 0
  } finally {
    await store.finish(AbortSignal.timeout(60_000))
    await store.environment.close()
  }
}
