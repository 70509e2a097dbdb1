/** The command line of `npm run crash`. */

import { parseArgs } from 'node:util'
import type { Command } from '../../bench/measurement.ts'
import { readNumber } from '../../bench/read-number.ts'

export interface CrashOptions {
  /**
   * What is done: kills at random moments, kills at each step of the store, cuts of the recorded system calls, a full disk, or the load
   * alone for a long time.
   */
  readonly mode: 'kills' | 'steps' | 'power' | 'full-disk' | 'soak'
  /** How long the load lasts in a soak. */
  readonly seconds: number
  /** Which steps: each one, each second one, ... */
  readonly every: number
  /** How many points of the recording. */
  readonly cuts: number
  /** How often the broker is killed. */
  readonly count: number
  readonly seed: number
  /** A system config; undefined for that of the checkout. */
  readonly config: string | undefined
  readonly settings: readonly string[]
  readonly publishers: number
  readonly subscribers: number
}

const options = {
  steps: { type: 'boolean' },
  every: { type: 'string' },
  power: { type: 'boolean' },
  'full-disk': { type: 'boolean' },
  soak: { type: 'boolean' },
  seconds: { type: 'string' },
  cuts: { type: 'string' },
  count: { type: 'string' },
  seed: { type: 'string' },
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
  publishers: { type: 'string' },
  subscribers: { type: 'string' },
  help: { type: 'boolean' },
} as const

const help = `Usage: npm run crash -- [options]

Kills this broker (SIGKILL) again and again, at random moments, while clients publish at QoS 1 and 2 and clients with
stored sessions come and go. Afterwards every acknowledged message must have come to every subscriber, at QoS 2 exactly once, in
order, and the last retained message must be there. The broker runs in a directory of its own, which holds the data of its store.
If the store has files there, 'mqtt-jig store check' must find no damage.

  --steps               kill it at each step of the store instead (before and after a commit, before and after the acknowledgements
                        of it), in the same short scenario in a new store each time
  --every N             with --steps: at each Nth step alone, 1 to 1000 (1)
  --power               cut the power instead: record the system calls of a broker with strace, make the file as it may be at a
                        random point of them, where any part of what was not synced may be missing, and read it. Linux alone
  --cuts N              with --power: how many points, 1 to 100000 (200)
  --full-disk           let the file of the store reach a limit instead: then there is room again, and in a second run the broker is
                        killed first. Linux alone
  --soak                do not kill it: the file of the store must not grow once the load has lasted for a while
  --seconds N           with --soak: how long the load lasts, 2 to 86400 (3600)
  --count N             how often the broker is killed, 1 to 100000 (200)
  --seed N              the seed of the random times (random; it is printed)
  --config FILE         a system config with another store
  --set NAME.KEY=VALUE  a value of the broker's config; repeatable
  --publishers N        2 to 100, half of them at QoS 2 (4)
  --subscribers N       1 to 100 (3)
  --help                print this and exit

Exit codes: 0 every promise was kept, 1 one was broken, 2 the command line is wrong.`

/** Never throws: a problem is returned as text. */
export const parseCrashCommand = (args: readonly string[]): Command<CrashOptions> => {
  try {
    const { values } = parseArgs({ args: [...args], options })
    if (values.help === true) return { kind: 'help', text: help }
    const modes = (['steps', 'power', 'full-disk', 'soak'] as const).filter((name) => values[name] === true)
    if (modes.length > 1) throw new Error(`--${modes.join(' and --')} are runs of their own`)
    const seed = readNumber('seed', values.seed, undefined, { least: 0, most: 0xffff_ffff, whole: true })
    return {
      kind: 'options',
      options: {
        mode: modes[0] ?? 'kills',
        every: readNumber('every', values.every, 1, { least: 1, most: 1_000, whole: true }),
        seconds: readNumber('seconds', values.seconds, 3600, { least: 2, most: 86_400, whole: true }),
        cuts: readNumber('cuts', values.cuts, 200, { least: 1, most: 100_000, whole: true }),
        count: readNumber('count', values.count, 200, { least: 1, most: 100_000, whole: true }),
        seed: seed ?? Math.floor(Math.random() * 0xffff_ffff),
        config: values.config,
        settings: values.set ?? [],
        publishers: readNumber('publishers', values.publishers, 4, { least: 2, most: 100, whole: true }),
        subscribers: readNumber('subscribers', values.subscribers, 3, { least: 1, most: 100, whole: true }),
      },
    }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\nTry: npm run crash -- --help` }
  }
}
