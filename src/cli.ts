/** The command `mqtt-jig`: runs the command that its first argument names. */

import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitCodes } from './command-line.ts'
import { didYouMean, listed } from './system/suggestion.ts'

interface Command {
  readonly summary: string
  /** The module whose `main` runs it, relative to this one and without extension. Loaded when it is used. */
  readonly module: string
}

/** The modules are found by their names because this folder may not import components. */
export const commands: Readonly<Record<string, Command>> = {
  start: {
    summary: 'runs the broker until a signal stops it; the command that is meant when none is named',
    module: './main',
  },
  go: { summary: 'runs the broker with a prompt at which it can be changed', module: '../scripts/go' },
  graph: { summary: 'draws the components and what depends on what', module: '../scripts/graph' },
  init: { summary: 'writes a system config to begin with', module: './init' },
  pub: { summary: 'publishes messages', module: './cli/pub' },
  sub: { summary: 'subscribes, and prints the messages', module: './cli/sub' },
  clients: { summary: 'lists the connected clients', module: './cli/admin/clients' },
  client: { summary: 'describes a connected client', module: './cli/admin/client' },
  disconnect: { summary: 'disconnects a client, and may ban its address', module: './cli/admin/disconnect' },
  retained: { summary: 'lists, reads and deletes retained messages', module: './cli/admin/retained' },
  status: { summary: 'describes the running broker', module: './cli/admin/status' },
  plan: { summary: 'says what a reload would do', module: './cli/admin/plan' },
  reload: { summary: 'applies a changed config; clients stay connected', module: './cli/admin/reload' },
  health: { summary: 'says whether the broker is ready', module: './cli/admin/health' },
  trace: { summary: 'follows the packets of a client, a user, an address or a topic', module: './cli/admin/trace' },
  log: { summary: 'prints the last lines of the log, or sets its level', module: './cli/admin/log' },
  bench: { summary: 'loads a broker, and measures its throughput and latency', module: './cli/bench/bench' },
  completion: { summary: 'prints a script that completes command lines in a shell', module: './cli/completion' },
  passwd: {
    summary: 'adds, deletes, lists and checks the users of a password file',
    module: '../components/password-file/passwd-command',
  },
  scram: {
    summary: 'makes the credential of a user for SCRAM-SHA-256',
    module: '../components/scram-sha-256/credential-command',
  },
  store: {
    summary: 'checks, copies, exports and imports the file of a store',
    module: '../components/store-lmdb/commands/store-command',
  },
}

/** @returns the code to exit with. Problems of the command line are printed to stderr. */
export const main = async (args: readonly string[]): Promise<number> => {
  const [first, ...rest] = args
  if (first === 'help') return main(rest[0] === undefined ? ['--help'] : [rest[0], '--help'])
  if (first === undefined || first.startsWith('-')) {
    const summaries = Object.entries(commands).map(([name, { summary }]) => [name, summary])
    return run('start', args, { name: 'mqtt-jig', commands: Object.fromEntries(summaries) })
  }
  if (Object.hasOwn(commands, first)) return run(first, rest, { name: `mqtt-jig ${first}` })
  process.stderr.write(`${unknown(first)}\nTry: mqtt-jig --help\n`)
  return exitCodes.usage
}

/** Data for every command besides its arguments. */
export interface Called {
  /** Its name in the help: `mqtt-jig go`. */
  readonly name: string
  /** The commands that its help lists. Set if the command line named no command. */
  readonly commands?: Readonly<Record<string, string>>
}

const run = async (name: string, args: readonly string[], called: Called): Promise<number> => {
  const own = fileURLToPath(import.meta.url)
  const url = new URL(`${commands[name]!.module}${extname(own)}`, import.meta.url)
  const { main } = (await import(url.href)) as { main(args: readonly string[], called: Called): Promise<number> }
  return main(args, called)
}

const unknown = (word: string): string => {
  if (/\.([cm]?[jt]s|json)$/.test(word)) return `There is no command '${word}'; a config is given as --config ${word}.`
  const names = Object.keys(commands)
  return `There is no command '${word}'${didYouMean(word, names) || `; there are ${listed(names, 'and')}`}`
}
