/** The command line that `npm start`, `npm run go` and `npm run graph` share. */

import { existsSync, readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** Codes that the process exits with. Ended by a second signal it exits with 128 + the signal's number, as shells do. */
export const exitCodes = {
  ok: 0,
  /** The system did not start, or did not stop cleanly. */
  failed: 1,
  /** The command line or the config is wrong; nothing was started. */
  usage: 2,
  /** An error escaped from a component (EX_SOFTWARE of sysexits.h). */
  crashed: 70,
} as const

/** One option of a program besides those that all share. */
export interface ProgramOption {
  readonly type: 'boolean' | 'string'
  /** What `--help` calls the value: `FILE`. */
  readonly value?: string
  readonly description: string
}

export interface Program {
  /** How it is called: `npm run go --`. */
  readonly name: string
  /** What it does, in a sentence. */
  readonly summary: string
  readonly options?: Readonly<Record<string, ProgramOption>>
  /** Lines that `--help` ends with. */
  readonly notes?: readonly string[]
}

export type CommandLine =
  | {
      readonly action: 'run'
      /** The absolute path of the system config to use; it exists. */
      readonly configFile: string
      /** The values of `--set`, as written, in order. */
      readonly settings: readonly string[]
      /** The values of `--only`, in order. */
      readonly only: readonly string[]
      /** The program's own options that were given. */
      readonly options: Readonly<Record<string, string | boolean | undefined>>
    }
  /** There is nothing to run: the text goes to stdout when the code is 0 and to stderr otherwise. */
  | { readonly action: 'exit'; readonly code: number; readonly text: string }

/**
 * Reads a command line. Never throws: what is wrong with it comes back as the text to show and the code to exit with.
 * @param cwd where relative paths start.
 */
export const parseCommandLine = (args: readonly string[], program: Program, cwd = process.cwd()): CommandLine => {
  const own = program.options ?? {}
  const options: Readonly<Record<string, ProgramOption>> = { ...sharedOptions, ...own }
  let values: Record<string, unknown>
  try {
    values = parseArgs({
      args: [...args],
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type }]) => [
          name,
          { type, multiple: name === 'set' || name === 'only' },
        ]),
      ),
    }).values
  } catch (error) {
    return mistake((error as Error).message, program)
  }
  if (values['help'] === true) return { action: 'exit', code: exitCodes.ok, text: helpOf(program, options) }
  if (values['version'] === true) return { action: 'exit', code: exitCodes.ok, text: version() }
  const configFile = findConfigFile(values['config'] as string | undefined, cwd)
  if (!existsSync(configFile)) return mistake(`There is no config file ${configFile}.`, program)
  return {
    action: 'run',
    configFile,
    settings: (values['set'] as string[] | undefined) ?? [],
    only: (values['only'] as string[] | undefined) ?? [],
    options: Object.fromEntries(Object.keys(own).map((name) => [name, values[name] as string | boolean | undefined])),
  }
}

/** The directory of the package that this code belongs to. */
export const packageDirectory = (): string => {
  const own = fileURLToPath(new URL('..', import.meta.url))
  return existsSync(resolve(own, 'package.json')) ? own : resolve(own, '..')
}

/** The version of the package, from its package.json. */
export const version = (): string =>
  (JSON.parse(readFileSync(resolve(packageDirectory(), 'package.json'), 'utf8')) as { version: string }).version

const sharedOptions: Readonly<Record<string, ProgramOption>> = {
  config: { type: 'string', value: 'FILE', description: 'the system config; its default export is the system' },
  set: {
    type: 'string',
    value: 'NAME.KEY=VALUE',
    description: "a value of a component's config, like server.port=1884; repeatable",
  },
  only: {
    type: 'string',
    value: 'NAME',
    description: 'run this component and what it depends on, and no other; repeatable',
  },
  help: { type: 'boolean', description: 'print this and exit' },
  version: { type: 'boolean', description: 'print the version and exit' },
}

const ownConfigNames = ['system.config.ts', 'system.config.js', 'system.config.mjs']

/** The config asked for, else that of the working directory, else the one that belongs to this code (built or not). */
const findConfigFile = (asked: string | undefined, cwd: string): string => {
  if (asked !== undefined) return resolve(cwd, asked)
  const shipped = fileURLToPath(new URL(`../system.config${extname(fileURLToPath(import.meta.url))}`, import.meta.url))
  // In the package's own directory the source would be found where the built config is meant.
  if (resolve(cwd) === resolve(packageDirectory())) return shipped
  return ownConfigNames.map((name) => resolve(cwd, name)).find((file) => existsSync(file)) ?? shipped
}

const mistake = (message: string, { name }: Program): CommandLine => ({
  action: 'exit',
  code: exitCodes.usage,
  text: `${message}\nTry: ${name} --help`,
})

const helpOf = (program: Program, options: Readonly<Record<string, ProgramOption>>): string => {
  const rows = Object.entries(options).map(([name, { value, description }]): [string, string] => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    description,
  ])
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  return [`Usage: ${program.name} [options]`, '', program.summary, '', ...lines, ...(program.notes ?? [])].join('\n')
}
