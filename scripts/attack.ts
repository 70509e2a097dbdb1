/** `npm run attack`: attacks the broker on all listeners while well-behaved clients use it. docs/security.md has the figures. */

import { resolve } from 'node:path'
import { ownBroker } from '../bench/brokers/checkout.ts'
import { compile } from '../bench/bundle.ts'
import { describeMachine, describeRevision } from '../bench/machine.ts'
import { exitCodes, runCommand } from '../bench/measurement.ts'
import type { Attack } from './attack/attack.ts'
import { attacks } from './attack/attacks.ts'
import { type AttackCommand, parseAttackCommand } from './attack/command-line.ts'
import { faultsOf } from './attack/judge.ts'
import { affordable } from './attack/open-files.ts'
import { type Result, tableHead, tableRow } from './attack/report.ts'
import { type AttackOptions, runAttack } from './attack/run-attack.ts'
import { runChosen } from './floods/run-chosen.ts'

const root = resolve(import.meta.dirname, '..')

/** How much of the subscriptions and messages an attack prepares with `--short`. */
const SHORT_SCALE = 0.1

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> =>
  runCommand(parseAttackCommand(args), (options) => runChosen(attacks, options, (chosen) => measure(chosen, options)))

const measure = async (chosen: readonly Attack[], { short, attackers, seconds }: AttackCommand): Promise<number> => {
  // The broker is run from the build.
  ownBroker(root, [])
  const programs = Object.fromEntries(['crowd', 'attacker', 'probe'].map((name) => [name, `scripts/attack/${name}.ts`]))
  let code: number = exitCodes.ok
  console.log(`${JSON.stringify({ ...describeMachine(), revision: describeRevision(root) })}\n\n${tableHead}`)
  for (const attack of chosen) {
    const wanted = attackers ?? (short ? attack.shortAttackers : attack.attackers)
    const count = wanted === 0 ? 0 : affordable(wanted)
    // The files of one broker are not those of the next.
    const folder = await compile(programs)
    const result = await attempt({ attack, attackers: count, seconds, scale: short ? SHORT_SCALE : 1, root, folder })
    console.log(tableRow({ attack: attack.name, attackers: count, result }))
    if (count < wanted) console.error(`${attack.name}: ${count} of ${wanted} attackers; raise the limit of open files.`)
    if (result.status === 'error' || faultsOf(result).length > 0) code = exitCodes.failed
  }
  return code
}

const attempt = async (options: AttackOptions): Promise<Result> => {
  try {
    return { status: 'measured', ...(await runAttack(options)) }
  } catch (error) {
    return { status: 'error', reason: (error as Error).message }
  }
}
