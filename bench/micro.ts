/** `npm run bench:micro`: times single functions of the hot path, in a process of their own. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { compile } from './bundle.ts'
import { removeTemporaryDirectory } from './temporary.ts'

/** @param args a part of the names of the benchmarks to run; all without it. */
export const main = async (args: readonly string[]): Promise<number> => {
  const directory = await compile({ micro: 'bench/micro/main.ts' })
  const { status, error } = spawnSync(process.execPath, [join(directory, 'micro.mjs'), ...args], { stdio: 'inherit' })
  removeTemporaryDirectory(directory)
  if (error !== undefined) throw error
  return status ?? 1
}
