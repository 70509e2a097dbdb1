/** The command line of `npm run bench`. */

import { parseArgs } from 'node:util'
import type { Command } from './measurement.ts'
import { readNumber } from './read-number.ts'

export const peerNames = ['mosquitto', 'aedes', 'relay', 'net-server'] as const
export type PeerName = (typeof peerNames)[number]

export interface BenchOptions {
  readonly action: 'run' | 'list' | 'check'
  /** Names and patterns of cases; all when empty. */
  readonly cases: readonly string[]
  /** The requested brokers; undefined: all that are installed. */
  readonly peers: readonly PeerName[] | undefined
  readonly rounds: number
  /** How long each run measures, in seconds; undefined: the default of the case. */
  readonly seconds: number | undefined
  /** How long each run loads the broker before, in seconds; undefined: the default of the case. */
  readonly warmUpSeconds: number | undefined
  readonly connections: number
  /** Where the results go as JSON: a file, or `-` for stdout. */
  readonly json: string | undefined
  readonly profile: boolean
  /** The other revision of this repository to compare with. */
  readonly compare: string | undefined
  /** Whether our broker is measured once more while an operator looks at it. */
  readonly watched: boolean
  /** Values of our broker's config. */
  readonly settings: readonly string[]
}

const options = {
  case: { type: 'string', multiple: true },
  list: { type: 'boolean' },
  peers: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  connections: { type: 'string' },
  json: { type: 'string' },
  profile: { type: 'boolean' },
  compare: { type: 'string' },
  set: { type: 'string', multiple: true },
  watched: { type: 'boolean' },
  check: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const help = `Usage: npm run bench -- [options]

Measures this broker beside others on the same machine, in turns.

  --case NAME           a case, or a pattern like 'fan-*'; several with commas, and repeatable
  --list                print the cases and exit
  --peers LIST          which of ${peerNames.join(', ')} to compare with, or none; all that are installed by default
  --compare REV         compare with another commit of this repository, too
  --rounds N            how often each broker is measured (3)
  --seconds S           how long each run measures (3; cases of latency 10, soaks longer)
  --warm-up S           load before each measurement, in seconds (1; cases of latency 15)
  --connections N       connections held in the case idle (10000)
  --json FILE           write all results as JSON; - is stdout, and the tables go to stderr
  --profile             one more run of this broker for each case, which leaves mqtt-jig-CASE.cpuprofile
  --set NAME.KEY=VALUE  a value of this broker's config; repeatable
  --watched             compare with this broker while metrics are scraped, a dashboard is open and a client is traced;
                        it runs without $SYS itself
  --check               only check delivery, in a second for each case; never judges time
  --help                print this and exit

Exit codes: 0 all delivered, 1 this broker delivered wrongly or could not be run (with --check, also when a case was
refused), 2 the command line is wrong. To pipe JSON: npm run --silent bench -- --json -`

/** Never throws: a problem is returned as text. */
export const parseBenchCommand = (args: readonly string[]): Command<BenchOptions> => {
  try {
    const { values } = parseArgs({ args: [...args], options })
    if (values.help === true) return { kind: 'help', text: help }
    return { kind: 'options', options: interpret(values) }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\nTry: npm run bench -- --help` }
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const interpret = (values: Values): BenchOptions => {
  const check = values.check === true
  if (check) {
    // Otherwise it would be accepted and ignored.
    const idle = (['compare', 'profile', 'watched', 'rounds', 'seconds', 'warm-up'] as const).find(
      (name) => values[name] !== undefined,
    )
    if (idle !== undefined) throw new Error(`--check measures nothing, so that it does not go with --${idle}.`)
  }
  return {
    action: values.list === true ? 'list' : check ? 'check' : 'run',
    cases: (values.case ?? []).flatMap((list) => list.split(',')).filter((name) => name !== ''),
    peers: values.peers === undefined ? (check ? [] : undefined) : readPeers(values.peers),
    rounds: readNumber('rounds', values.rounds, 3, { least: 1, most: 1000, whole: true }),
    seconds: readNumber('seconds', values.seconds, undefined, { least: 0.1, most: 86_400 }),
    warmUpSeconds: readNumber('warm-up', values['warm-up'], undefined, { least: 0, most: 3600 }),
    connections: readNumber('connections', values.connections, 10_000, { least: 1, most: 1_000_000, whole: true }),
    json: values.json,
    profile: values.profile === true,
    compare: values.compare,
    watched: values.watched === true,
    settings: values.set ?? [],
  }
}

const readPeers = (list: string): PeerName[] => {
  if (list === 'none') return []
  return list.split(',').map((name) => {
    const known = peerNames.find((peer) => peer === name)
    if (known === undefined) throw new Error(`There is no peer '${name}'; there are ${peerNames.join(', ')}, and none.`)
    return known
  })
}
