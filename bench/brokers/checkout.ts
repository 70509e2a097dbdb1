import { spawnSync } from 'node:child_process'
import { readFileSync, symlinkSync } from 'node:fs'
import { resolve } from 'node:path'
import { temporaryDirectory } from '../temporary.ts'
import type { Broker } from './broker.ts'
import { mqttJig } from './mqtt-jig.ts'

/** Builds this checkout and returns its broker. @throws Error when it cannot be built. */
export const ownBroker = (root: string, settings: readonly string[]): Broker => {
  build(root)
  return mqttJig('mqtt-jig', root, settings)
}

/**
 * Builds another revision of the repository in a folder of its own and returns its broker. The files come by `git archive`,
 * which leaves no trace in the repository. It uses the packages installed here if both need the same.
 * @throws Error when there is no such revision, or it cannot be built.
 */
export const revisionBroker = (root: string, revision: string, settings: readonly string[]): Broker => {
  const commit = run('git', ['rev-parse', '--verify', '--end-of-options', `${revision}^{commit}`], root).trim()
  const directory = temporaryDirectory()
  const archive = resolve(directory, 'archive.tar')
  const checkout = temporaryDirectory()
  run('git', ['archive', '--output', archive, commit], root)
  run('tar', ['-xf', archive, '-C', checkout], root)
  if (lockOf(root) === lockOf(checkout)) {
    symlinkSync(resolve(root, 'node_modules'), resolve(checkout, 'node_modules'), 'dir')
  } else {
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], checkout)
  }
  build(checkout)
  const short = commit.slice(0, 7)
  return mqttJig(revision.startsWith(short) ? short : `${revision} (${short})`, checkout, settings)
}

const build = (root: string): void => {
  run(process.execPath, ['scripts/run.mjs', 'scripts/build.ts'], root)
}

const lockOf = (root: string): string => readFileSync(resolve(root, 'package-lock.json'), 'utf8')

const run = (command: string, args: readonly string[], cwd: string): string => {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], { cwd, encoding: 'utf8' })
  if (error !== undefined) throw new Error(`${command} cannot be run: ${error.message}`, { cause: error })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed in ${cwd}:\n${stderr.trim()}${stdout.trim()}`)
  return stdout
}
