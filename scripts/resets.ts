/** `npm run resets`: edits a running broker under load, and counts what its clients notice. docs/testing.md says when to run it. */

import { resolve } from 'node:path'
import { exitCodes, runCommand, runMeasurement } from '../bench/measurement.ts'
import { parseResetCommand, type ResetOptions } from './resets/command-line.ts'
import { runAdjust } from './resets/run-adjust.ts'
import { runCollect } from './resets/run-collect.ts'
import { runLoad } from './resets/run-load.ts'

const root = resolve(import.meta.dirname, '..')
/** Faults that are printed; the others are counted. */
const maximumPrinted = 20

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> =>
  runCommand(parseResetCommand(args), (options) => runMeasurement(async () => report(await run(options))))

const run = async (options: ResetOptions): Promise<readonly string[]> => {
  if (options.mode === 'adjust') return runAdjust(root, options)
  const runWith = options.mode === 'collect' ? runCollect : runLoad
  const faults: string[] = []
  for (const store of options.stores) faults.push(...(await runWith(root, store, options)))
  return faults
}

const report = (faults: readonly string[]): number => {
  console.log(faults.length === 0 ? '\nNo fault.' : `\n${faults.length} faults:`)
  for (const fault of faults.slice(0, maximumPrinted)) console.log(`  ${fault}`)
  if (faults.length > maximumPrinted) console.log(`  and ${faults.length - maximumPrinted} more`)
  return faults.length === 0 ? exitCodes.ok : exitCodes.failed
}
