/** `npm run floods`: measures how long one client waits while others flood the broker. docs/hardening.md has the table. */

import { join, resolve } from 'node:path'
import type { Broker } from '../bench/brokers/broker.ts'
import { ownBroker, revisionBroker } from '../bench/brokers/checkout.ts'
import { compile } from '../bench/bundle.ts'
import { exitCodes, runCommand } from '../bench/measurement.ts'
import type { Attack } from './floods/attack.ts'
import { attacks } from './floods/attacks.ts'
import { type FloodOptions, parseFloodCommand } from './floods/command-line.ts'
import { tableHead, tableRow } from './floods/report.ts'
import { runAttack } from './floods/run-attack.ts'
import { runChosen } from './floods/run-chosen.ts'

const root = resolve(import.meta.dirname, '..')

/** The default duration of an attack, in seconds. */
const defaultSeconds = 8

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> =>
  runCommand(parseFloodCommand(args), (options) => runChosen(attacks, options, (chosen) => flood(chosen, options)))

const flood = async (chosen: readonly Attack[], options: FloodOptions): Promise<number> => {
  const brokers = brokersOf(options)
  const directory = await compile({ attacker: 'scripts/floods/attacker.ts', witness: 'scripts/floods/witness.ts' })
  const programs = { attacker: join(directory, 'attacker.mjs'), witness: join(directory, 'witness.mjs') }
  let code: number = exitCodes.ok
  console.log(tableHead)
  for (const attack of chosen) {
    for (const broker of brokers) {
      const attackers = options.attackers ?? attack.attackers
      const { scale } = options
      const seconds = options.seconds ?? attack.seconds ?? defaultSeconds
      const result = await runAttack({ broker, attack, programs, attackers, seconds, scale })
      console.log(tableRow({ attack: attack.name, broker: broker.name, attackers, result }))
      if (result.status === 'error') code = exitCodes.failed
    }
  }
  return code
}

const brokersOf = ({ brokers, compare, settings }: FloodOptions): Broker[] => {
  const checkouts = brokers.length === 0 ? [ownBroker(root, settings)] : []
  for (const directory of brokers) {
    checkouts.push({ ...ownBroker(resolve(directory), settings), name: directory })
  }
  return compare === undefined ? checkouts : [...checkouts, revisionBroker(root, compare, settings)]
}
