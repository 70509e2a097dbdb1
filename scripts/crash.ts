/** `npm run crash`: kills the broker again and again, and checks that it keeps its promises. docs/durability.md says which. */

import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { exitCodes, runCommand, runMeasurement } from '../bench/measurement.ts'
import { type CrashOptions, parseCrashCommand } from './crash/command-line.ts'
import { runCrashes } from './crash/run.ts'

const root = resolve(import.meta.dirname, '..')

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> => runCommand(parseCrashCommand(args), run)

const run = (options: CrashOptions): Promise<number> =>
  runMeasurement(async () => {
    // A broker from sources would take seconds for each start.
    const built = spawnSync(process.execPath, ['scripts/run.mjs', 'scripts/build.ts'], { cwd: root, encoding: 'utf8' })
    if (built.status !== 0) throw new Error(`The build failed:\n${built.stderr}${built.stdout}`)
    const { kills, acknowledged, received, broken, check } = await runCrashes(root, options)
    console.log(
      `Seed ${options.seed}: ${kills} kills, ${acknowledged} messages acknowledged, ${received} received by ` +
        `${options.subscribers} subscribers`,
    )
    console.log(check === undefined ? 'The store has no files: nothing to check there' : `store check: ${check}`)
    for (const what of broken) console.error(`Broken: ${what}`)
    if (broken.length > 0) return exitCodes.failed
    console.log('Every promise was kept')
    return exitCodes.ok
  })
