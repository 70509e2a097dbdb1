import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'

/** Runs `tsc`. @returns its exit code, and what it wrote. @throws Error when it cannot be run. */
export const runCompiler = (root: string, args: readonly string[]): { status: number; output: string } => {
  const options = { cwd: root, encoding: 'utf8' } as const
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [compiler(), ...args], options)
  if (error !== undefined) throw error
  return { status: status ?? 1, output: `${stdout}${stderr}` }
}

/** The file that `tsc` runs, found through the package so that no shell and no npx is needed. */
const compiler = (): string => {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: { tsc: string } }
  return resolve(dirname(manifest), bin.tsc)
}
