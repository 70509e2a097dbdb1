/** Compiles the program to dist, from which it runs without development dependencies. */

import { copyFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { buildDashboard } from './dashboard/build-dashboard.ts'
import { runCompiler } from './run-compiler.ts'

const root = resolve(import.meta.dirname, '..')

export const main = async (): Promise<number> => {
  rmSync(resolve(root, 'dist'), { recursive: true, force: true })
  const { status, output } = runCompiler(root, ['--project', 'tsconfig.build.json'])
  process.stdout.write(output)
  // What `mqtt-jig init` writes.
  for (const name of ['system.config', 'secure.config']) {
    if (status === 0) copyFileSync(resolve(root, `${name}.ts`), resolve(root, `dist/${name}.template`))
  }
  if (status === 0) await buildDashboard(resolve(root, 'dist/dashboard'))
  if (status === 0) console.log('Built dist; npm start runs it.')
  return status
}
