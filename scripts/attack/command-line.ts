/** The command line of `npm run attack`. */

import { parseArgs } from 'node:util'
import type { Command } from '../../bench/measurement.ts'
import { readNumber } from '../../bench/read-number.ts'

export interface AttackCommand {
  readonly list: boolean
  readonly short: boolean
  /** Names of attacks; all when empty. */
  readonly attacks: readonly string[]
  /** Undefined: the default of the attack. */
  readonly attackers: number | undefined
  readonly seconds: number
}

const options = {
  attack: { type: 'string', multiple: true },
  list: { type: 'boolean' },
  short: { type: 'boolean' },
  attackers: { type: 'string' },
  seconds: { type: 'string' },
  help: { type: 'boolean' },
} as const

const SECONDS = 10
const SHORT_SECONDS = 2

const help = `Usage: npm run attack -- [options]

Attacks this broker on all its listeners in one way after the other, while a hundred well-behaved clients use it: they publish and
receive at QoS 1, and send PINGREQ. Broker, clients and attackers are processes of their own, on 127.0.0.0/8. Prints a table.

  --short          a short form with fewer attackers, for CI
  --attack NAME    an attack; several with commas, and repeatable
  --list           print the attacks and exit
  --attackers N    how many attackers there are, 1 to 20000; the attack decides by default
  --seconds S      how long each attack lasts, 1 to 600 (${SECONDS}; with --short ${SHORT_SECONDS})
  --help           print this and exit

Exit codes: 0 the broker stood all of them. 1 an acknowledged message was lost, a well-behaved client was disconnected or not
answered, something was not released, or memory was over its bound; time never counts. 2 the command line is wrong.`

/** Never throws: a problem is returned as text. */
export const parseAttackCommand = (args: readonly string[]): Command<AttackCommand> => {
  try {
    const { values } = parseArgs({ args: [...args], options })
    if (values.help === true) return { kind: 'help', text: help }
    const short = values.short === true
    return {
      kind: 'options',
      options: {
        ...{ list: values.list === true, short },
        attacks: (values.attack ?? []).flatMap((list) => list.split(',')).filter((name) => name !== ''),
        attackers: readNumber('attackers', values.attackers, undefined, { least: 1, most: 20_000, whole: true }),
        seconds: readNumber('seconds', values.seconds, short ? SHORT_SECONDS : SECONDS, { least: 1, most: 600 }),
      },
    }
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\nTry: npm run attack -- --help` }
  }
}
