import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** How a process ended. */
export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Runs the command line of this process again in another one, which is told to do it itself. It writes to the same streams. */
export const runAgain = async (): Promise<ChildResult> => {
  const [, program = '', ...args] = process.argv
  // A checkout runs TypeScript by a script, which has taken itself out of the command line.
  const runner = extname(program) === '.ts' ? [fileURLToPath(new URL('../../../scripts/run.mjs', import.meta.url))] : []
  const commandLine = [...process.execArgv, ...runner, program, ...args, '--here']
  const child = spawn(process.execPath, commandLine, { stdio: 'inherit' })
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}
