/** What the commands that attack a broker have in common: which attacks run, and the list of them. */

import { exitCodes, runMeasurement } from '../../bench/measurement.ts'

interface Listed {
  readonly name: string
  readonly summary: string
  readonly attackers: number
}

interface Choice {
  /** Print the attacks instead of running them. */
  readonly list: boolean
  /** Names of attacks; all when empty. */
  readonly attacks: readonly string[]
}

/**
 * Runs the chosen attacks, or prints them.
 * @returns the exit code: `usage` when an attack does not exist.
 */
export const runChosen = async <A extends Listed>(
  all: readonly A[],
  { list, attacks: names }: Choice,
  run: (chosen: readonly A[]) => Promise<number>,
): Promise<number> => {
  const unknown = names.filter((name) => !all.some((attack) => attack.name === name))
  if (unknown.length > 0) {
    console.error(`There is no attack '${unknown.join("', '")}'; --list prints them.`)
    return exitCodes.usage
  }
  const chosen = names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
  if (!list) return runMeasurement(() => run(chosen))
  console.log(formatList(chosen))
  return exitCodes.ok
}

const formatList = (chosen: readonly Listed[]): string => {
  const width = Math.max(...chosen.map(({ name }) => name.length))
  return chosen
    .map(({ name, summary, attackers }) => `${name.padEnd(width)}  ${summary} (N is ${attackers})`)
    .join('\n')
}
