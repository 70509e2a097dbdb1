/** The command line of `npm run bench:store`. */

import { parseArgs } from 'node:util'
import type { Command } from '../measurement.ts'
import { readNumber } from '../read-number.ts'
import type { Contents } from './contents.ts'

export interface StoreBenchOptions extends Contents {
  readonly rounds: number
  /** Messages to all receivers. */
  readonly repetitions: number
  /** Whether one more start leaves a CPU profile. */
  readonly profile: boolean
  /** Where the results go as JSON: a file, or `-` for stdout. */
  readonly json: string | undefined
}

const options = {
  sessions: { type: 'string' },
  messages: { type: 'string' },
  retained: { type: 'string' },
  receivers: { type: 'string' },
  payload: { type: 'string' },
  rounds: { type: 'string' },
  repetitions: { type: 'string' },
  profile: { type: 'boolean' },
  json: { type: 'string' },
  help: { type: 'boolean' },
} as const

const help = `Usage: npm run bench:store -- [options]

Makes a store, and measures in processes of their own: a bare scan of its rows, the start of this broker over it, and one
message at QoS 1 to many sessions that are away. docs/benchmarks.md explains the numbers.

  --sessions N     persistent sessions that are away (100000)
  --messages N     messages that wait in each of them (10)
  --retained N     retained messages (1000000)
  --receivers N    sessions that one message goes to (10000, or all sessions if there are fewer)
  --payload BYTES  payload of each message (128)
  --rounds N       how often the scan and the start are measured, in turns (3)
  --repetitions N  how many messages go to all receivers, one after the other (30)
  --profile        one more start, which leaves mqtt-jig-store-start.cpuprofile
  --json FILE      write all results as JSON; - is stdout, and the tables go to stderr
  --help           print this and exit

The store needs about 300 bytes of disk for each session, message and retained message, in .jig of the checkout. It is removed
at the end. Exit codes: 0 measured, 1 the broker could not be run or has lost something, 2 the command line is wrong.`

/** Never throws: a problem is returned as text. */
export const parseStoreBenchCommand = (args: readonly string[]): Command<StoreBenchOptions> => {
  try {
    const { values } = parseArgs({ args: [...args], options })
    if (values.help === true) return { kind: 'help', text: help }
    return { kind: 'options', options: interpret(values) }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\nTry: npm run bench:store -- --help` }
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

const interpret = (values: Values): StoreBenchOptions => {
  const whole = (
    name: 'sessions' | 'messages' | 'retained' | 'rounds' | 'repetitions',
    otherwise: number,
    most: number,
  ) => readNumber(name, values[name], otherwise, { least: 1, most, whole: true })
  const sessions = whole('sessions', 100_000, 10_000_000)
  return {
    sessions,
    messages: whole('messages', 10, 1_000),
    retained: whole('retained', 1_000_000, 50_000_000),
    receivers: readNumber('receivers', values.receivers, Math.min(10_000, sessions), {
      least: 1,
      most: sessions,
      whole: true,
    }),
    payloadBytes: readNumber('payload', values.payload, 128, { least: 1, most: 65_536, whole: true }),
    rounds: whole('rounds', 3, 1_000),
    repetitions: whole('repetitions', 30, 5_000),
    profile: values.profile === true,
    json: values.json,
  }
}
