import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What npm says when the registry does not answer. */
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED|E429|E50\d/

/** Packages from npm in a folder of their own. */
export interface NpmFolder {
  readonly path: string
  /** Loads a package of the folder. */
  load<T>(name: string): T
  remove(): void
}

/**
 * Installs packages of npm, without their install scripts, into a new folder.
 * @returns undefined if the registry does not answer. @throws what npm says if it fails for another reason.
 */
export const installFromNpm = async (...packages: readonly string[]): Promise<NpmFolder | undefined> => {
  const path = mkdtempSync(join(tmpdir(), 'mqtt-jig-npm-'))
  const remove = () => rmSync(path, { recursive: true, force: true })
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', '--fetch-retries=1']
  const npm = spawn('npm', ['install', '--prefix', path, ...flags, ...packages], {
    cwd: path,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  npm.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(npm, 'close')
  if (code === 0) return { path, load: createRequire(join(path, 'index.js')), remove }
  remove()
  if (UNREACHABLE.test(errors)) return undefined
  throw new Error(`npm install ${packages.join(' ')} failed:\n${errors}`)
}

/** Why tests are skipped when there is no folder. */
export const UNREACHABLE_REGISTRY = 'the npm registry does not answer'
