/** The command line of `npm run floods`. */

import { parseArgs } from 'node:util'
import type { Command } from '../../bench/measurement.ts'
import { readNumber } from '../../bench/read-number.ts'

export interface FloodOptions {
  readonly list: boolean
  /** Names of attacks; all when empty. */
  readonly attacks: readonly string[]
  /** Undefined: the default of the attack. */
  readonly attackers: number | undefined
  /** Undefined: the default of the attack. */
  readonly seconds: number | undefined
  readonly scale: number
  /** Checkouts of this repository whose brokers are attacked. */
  readonly brokers: readonly string[]
  /** Another commit of this repository whose broker is attacked as well. */
  readonly compare: string | undefined
  readonly settings: readonly string[]
}

const options = {
  attack: { type: 'string', multiple: true },
  list: { type: 'boolean' },
  attackers: { type: 'string' },
  seconds: { type: 'string' },
  scale: { type: 'string' },
  broker: { type: 'string', multiple: true },
  compare: { type: 'string' },
  set: { type: 'string', multiple: true },
  help: { type: 'boolean' },
} as const

const help = `Usage: npm run floods -- [options]

Attacks this broker in one way after the other, and measures how long a well-behaved client waits meanwhile: it sends
PINGREQ every 20 ms. Broker, client and attackers are processes of their own, on 127.0.0.1. Prints a table.

  --attack NAME         an attack; several with commas, and repeatable
  --list                print the attacks and exit
  --attackers N         how many attackers there are, 1 to 100000; the attack decides by default
  --seconds S           how long each attack lasts, 1 to 600 (8; frozen-subscribers 20)
  --scale F             the part of the sessions, filters and messages that an attack prepares, 0.001 to 1 (1)
  --broker DIRECTORY    the broker of another checkout in place of this one's; repeatable
  --compare REV         the broker of another commit of this repository, too
  --set NAME.KEY=VALUE  a value of the broker's config; repeatable
  --help                print this and exit

Exit codes: 0 all measured, 1 an attack could not be measured, 2 the command line is wrong.`

/** Never throws: a problem is returned as text. */
export const parseFloodCommand = (args: readonly string[]): Command<FloodOptions> => {
  try {
    const { values } = parseArgs({ args: [...args], options })
    if (values.help === true) return { kind: 'help', text: help }
    return {
      kind: 'options',
      options: {
        list: values.list === true,
        attacks: (values.attack ?? []).flatMap((list) => list.split(',')).filter((name) => name !== ''),
        attackers: readNumber('attackers', values.attackers, undefined, { least: 1, most: 100_000, whole: true }),
        seconds: readNumber('seconds', values.seconds, undefined, { least: 1, most: 600 }),
        scale: readNumber('scale', values.scale, 1, { least: 0.001, most: 1 }),
        brokers: values.broker ?? [],
        compare: values.compare,
        settings: values.set ?? [],
      },
    }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\nTry: npm run floods -- --help` }
  }
}
