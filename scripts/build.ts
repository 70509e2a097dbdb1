/** Compiles the program to dist, from which it runs without development dependencies. */

import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { buildDashboard } from './dashboard/build-dashboard.ts'

const root = resolve(import.meta.dirname, '..')

export const main = async (): Promise<number> => {
  rmSync(resolve(root, 'dist'), { recursive: true, force: true })
  const { status, error } = spawnSync(process.execPath, [compiler(), '--project', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (error !== undefined) throw error
  // What `mqtt-jig init` writes.
  for (const name of ['system.config', 'secure.config']) {
    if (status === 0) copyFileSync(resolve(root, `${name}.ts`), resolve(root, `dist/${name}.template`))
  }
  if (status === 0) await buildDashboard(resolve(root, 'dist/dashboard'))
  if (status === 0) console.log('Built dist; npm start runs it.')
  return status ?? 1
}

/** The file that `tsc` runs, found through the package so that no shell and no npx is needed. */
const compiler = (): string => {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } }
  return resolve(dirname(manifest), bin.tsc)
}
