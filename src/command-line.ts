/** The command line that `mqtt-jig start`, `mqtt-jig go` and `mqtt-jig graph` share. */

import { existsSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { environmentSettings } from './environment.ts'
import { packageVersion } from './files/package-version.ts'
import type { Setting } from './system/settings.ts'
import { listed } from './system/suggestion.ts'
import type { StartMode } from './system/system.ts'

/** Codes that the process exits with. After a second signal it exits with 128 + the number of the signal, as shells do. */
export const exitCodes = {
  ok: 0,
  /** The system did not start, or did not stop cleanly. */
  failed: 1,
  /** The command line or the config is wrong; nothing was started. */
  usage: 2,
  /** Stopped by a signal; until then it ran without components that did not start (`--start available`). */
  degraded: 3,
  /** An error escaped from a component (EX_SOFTWARE of sysexits.h). */
  crashed: 70,
} as const

/** One option of a program besides those that all share. */
export interface ProgramOption {
  readonly type: 'boolean' | 'string'
  /** What `--help` calls the value: `FILE`. */
  readonly value?: string
  readonly description: string
  /** The only values that are allowed. */
  readonly choices?: readonly string[]
}

/** `--start`, for the programs that start a system. */
export const startOption: Readonly<Record<'start', ProgramOption>> = {
  start: {
    type: 'string',
    value: 'all|available',
    description: 'available: a component that does not start blocks what depends on it, and the rest runs; default all',
    choices: ['all', 'available'],
  },
}

export const startModeOf = (options: Readonly<Record<string, unknown>>): StartMode =>
  options['start'] === 'available' ? 'available' : 'all'

export interface Program {
  /** How it is called: `mqtt-jig go`. */
  readonly name: string
  /** A sentence: what it does. */
  readonly summary: string
  readonly options?: Readonly<Record<string, ProgramOption>>
  /** The arguments behind the name, with their descriptions. */
  readonly commands?: Readonly<Record<string, string>>
  /** Lines that `--help` ends with. */
  readonly notes?: readonly string[]
}

export type CommandLine =
  | {
      readonly action: 'run'
      /** The absolute path of the system config to use; it exists. */
      readonly configFile: string
      /** The variables of the environment, then the values of `--set` as written, in order: the last one wins. */
      readonly settings: readonly Setting[]
      /** The values of `--only`, in order. */
      readonly only: readonly string[]
      /** The program's own options that were given. */
      readonly options: Readonly<Record<string, string | boolean | undefined>>
    }
  /** Nothing is run: the text is printed to stdout if the code is 0, and to stderr otherwise. */
  | { readonly action: 'exit'; readonly code: number; readonly text: string }

/**
 * Reads a command line. Never throws: a problem is returned as text and exit code.
 * @param cwd where relative paths start.
 * @param environment the variables that may hold settings.
 */
export const parseCommandLine = (
  args: readonly string[],
  program: Program,
  cwd = process.cwd(),
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CommandLine => {
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
  if (values['version'] === true) return { action: 'exit', code: exitCodes.ok, text: packageVersion() }
  for (const [name, { choices }] of Object.entries(own)) {
    const value = values[name]
    if (choices === undefined || value === undefined || choices.includes(value as string)) continue
    return mistake(`--${name} is ${listed(choices, 'or')}, not '${value}'.`, program)
  }
  const configFile = findConfigFile(values['config'] as string | undefined, cwd)
  if (!existsSync(configFile)) return mistake(`There is no config file ${configFile}.`, program)
  if (!configExtensions.test(configFile)) {
    return mistake(
      `The config file ${configFile} is of no known form: a config is a .ts, .mjs, .js or .json file.`,
      program,
    )
  }
  return {
    action: 'run',
    configFile,
    settings: [...environmentSettings(environment), ...((values['set'] as string[] | undefined) ?? [])],
    only: (values['only'] as string[] | undefined) ?? [],
    options: Object.fromEntries(Object.keys(own).map((name) => [name, values[name] as string | boolean | undefined])),
  }
}

/** The directory of the package that this code belongs to. */
export const packageDirectory = (): string => {
  const own = fileURLToPath(new URL('..', import.meta.url))
  return existsSync(resolve(own, 'package.json')) ? own : resolve(own, '..')
}

const sharedOptions: Readonly<Record<string, ProgramOption>> = {
  config: { type: 'string', value: 'FILE', description: 'the system config: a .ts, .mjs, .js or .json file' },
  set: {
    type: 'string',
    value: 'NAME.KEY=VALUE',
    description: 'a value of a component, like server.port=1884 or packetLog.enabled=true; repeatable',
  },
  only: {
    type: 'string',
    value: 'NAME',
    description: 'run this component and what it depends on, and no other; repeatable',
  },
  help: { type: 'boolean', description: 'print this and exit' },
  version: { type: 'boolean', description: 'print the version and exit' },
}

const ownConfigNames = ['system.config.ts', 'system.config.js', 'system.config.mjs', 'system.config.json']
const configExtensions = /\.([cm]?[jt]s|json)$/

/** The config that belongs to this code, built or not. */
export const shippedConfigFile = (): string =>
  fileURLToPath(new URL(`../system.config${extname(fileURLToPath(import.meta.url))}`, import.meta.url))

/** The requested config, else the config of the working directory, else the config of this package. */
const findConfigFile = (asked: string | undefined, cwd: string): string => {
  if (asked !== undefined) return resolve(cwd, asked)
  // In the directory of the package the search would find the source instead of the built config.
  if (resolve(cwd) === resolve(packageDirectory())) return shippedConfigFile()
  return ownConfigNames.map((name) => resolve(cwd, name)).find((file) => existsSync(file)) ?? shippedConfigFile()
}

const mistake = (message: string, { name }: Program): CommandLine => ({
  action: 'exit',
  code: exitCodes.usage,
  text: `${message}\nTry: ${name} --help`,
})

const helpOf = (program: Program, options: Readonly<Record<string, ProgramOption>>): string => {
  const commands = Object.entries(program.commands ?? {})
  const rows = Object.entries(options).map(([name, { value, description }]): [string, string] => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    description,
  ])
  return [
    `Usage: ${program.name}${commands.length === 0 ? '' : ' [command]'} [options]`,
    '',
    program.summary,
    '',
    ...(commands.length === 0 ? [] : ['Commands:', ...table(commands), '', 'Options:']),
    ...table(rows),
    '',
    'A variable of the environment sets a value, too: MQTT_JIG__SERVER__PORT=1884 is --set server.port=1884. With _FILE',
    'behind its name it names a file that holds the value. A value of --set comes before that of a variable.',
    ...(program.notes ?? []),
  ].join('\n')
}

const table = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
