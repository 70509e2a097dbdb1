/** The package as a user has it: packed, and installed into an empty folder. */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

interface Manifest {
  readonly version: string
  readonly dependencies: object
  readonly bin: object
}

/**
 * Packs the package and installs it into a new folder, together with the programs of `test/smoke/installed`.
 *
 * The versions of its dependencies are those of package-lock.json, and npm takes them from its cache where `npm ci` has left them,
 * so that the registry is not asked.
 * @returns the folder.
 */
export const installPackage = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'installed-'))
  // Its `prepack` builds dist.
  npm(root, 'pack', '--pack-destination', folder)
  const { version, dependencies, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  const tarball = `file:mqtt-jig-${version}.tgz`
  const own = { name: 'project', private: true, dependencies: { 'mqtt-jig': tarball } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(own))
  const packages = {
    '': own,
    'node_modules/mqtt-jig': { version, resolved: tarball, dependencies, bin },
    ...lockedDependencies(),
  }
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...own, lockfileVersion: 3, packages }))
  npm(folder, 'ci', '--prefer-offline', '--no-audit', '--no-fund')
  cpSync(join(root, 'test/smoke/installed'), folder, { recursive: true })
  return folder
}

/** What a lock file says of the packages that are no development dependencies, with the place to fetch them from. */
const lockedDependencies = (): Record<string, unknown> => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<
      Record<string, { readonly version: string; readonly dev?: true; readonly devOptional?: true }>
    >
  }
  const registry = npm(root, 'config', 'get', 'registry').trim().replace(/\/$/, '')
  const entries = Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path, entry]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      const resolved = `${registry}/${name}/-/${name.slice(name.indexOf('/') + 1)}-${entry.version}.tgz`
      return [path, { ...entry, resolved }]
    })
  return Object.fromEntries(entries)
}

const npm = (cwd: string, ...args: string[]): string => {
  // Variables of the npm that runs this test would make this one work on the repository.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_(?!config_cache)/i.test(name)))
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}${stderr}`)
  return stdout
}
