/** `npm run crash`: kills the broker again and again, and checks that it keeps its promises. docs/durability.md says which. */

import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { exitCodes, runCommand, runMeasurement } from '../bench/measurement.ts'
import { BuiltCopy } from './crash/built-copy.ts'
import { type CrashOptions, parseCrashCommand } from './crash/command-line.ts'
import { mebibytes } from './crash/file-growth.ts'
import { canLimitFiles, runFullDisk } from './crash/full-disk.ts'
import { powerObstacle, runPowerCuts } from './crash/power.ts'
import { runCrashes } from './crash/run.ts'
import { runSteps } from './crash/steps.ts'

const root = resolve(import.meta.dirname, '..')

/** Runs the command line; resolves with the exit code. */
export const main = (args: readonly string[]): Promise<number> => runCommand(parseCrashCommand(args), run)

const run = (options: CrashOptions): Promise<number> =>
  runMeasurement(async () => {
    const obstacle = options.mode === 'power' ? powerObstacle() : undefined
    if (obstacle !== undefined) throw new Error(obstacle)
    if (options.mode !== 'kills' && options.mode !== 'soak') return modes[options.mode](BuiltCopy.make(root), options)
    // A broker from sources would take seconds for each start. A config that is named may import the package.
    const built = spawnSync(process.execPath, ['scripts/run.mjs', 'scripts/build.ts'], { cwd: root, encoding: 'utf8' })
    if (built.status !== 0) throw new Error(`The build failed:\n${built.stderr}${built.stdout}`)
    const { kills, acknowledged, received, broken, check, fileBytes } = await runCrashes(root, options)
    console.log(
      `Seed ${options.seed}: ${kills} kills, ${acknowledged} messages acknowledged, ${received} received by ` +
        `${options.subscribers} subscribers`,
    )
    if (fileBytes !== undefined) {
      const [early, late] = [mebibytes(fileBytes.early), mebibytes(fileBytes.late)]
      console.log(
        `The files of the store had ${early} at most in the first half of ${options.seconds} s, and ${late} in the second`,
      )
    }
    console.log(check === undefined ? 'The store has no files: nothing to check there' : `store check: ${check}`)
    return verdict(broken)
  })

/** Of each publisher, while the system calls are recorded. */
const MESSAGES = 250

const power = async (built: BuiltCopy, { cuts, seed, settings }: CrashOptions): Promise<number> => {
  const result = await runPowerCuts(built, { cuts, seed, settings, messages: MESSAGES })
  console.log(
    `Seed ${seed}: ${result.cuts} power cuts in a run with ${result.syncs} syncs and ${result.acknowledged} messages ` +
      `acknowledged; ${result.more} files had more than was acknowledged`,
  )
  return verdict(result.broken)
}

const steps = async (built: BuiltCopy, { every, settings }: CrashOptions): Promise<number> => {
  const result = await runSteps(built, { every, settings })
  console.log(
    `${result.kills} kills up to step ${result.steps} of the store, ${result.acknowledged} messages acknowledged, ` +
      `${result.received} received`,
  )
  return verdict(result.broken)
}

const fullDisk = async (built: BuiltCopy, { settings }: CrashOptions): Promise<number> => {
  if (!canLimitFiles()) throw new Error('A full disk is simulated on Linux alone, with prlimit of util-linux')
  const broken: string[] = []
  for (const next of ['room', 'kill'] as const) {
    const result = await runFullDisk(built, { settings, next })
    console.log(
      `Full disk, then ${next === 'kill' ? 'kill -9 and a start with room' : 'room'}: ${result.before} messages ` +
        `acknowledged before, ${result.acknowledged} in the end`,
    )
    broken.push(...result.broken)
  }
  return verdict(broken)
}

const modes = { steps, power, 'full-disk': fullDisk } as const

const verdict = (broken: readonly string[]): number => {
  for (const what of broken) console.error(`Broken: ${what}`)
  if (broken.length > 0) return exitCodes.failed
  console.log('Every promise was kept')
  return exitCodes.ok
}
