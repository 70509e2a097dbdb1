import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** How a process ended. */
export interface ChildResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Runs the command line of this process again in another one, which is told to do it itself. It writes to the same streams. */
export const runAgain = async (): Promise<ChildResult> => {
  const [, program, ...args] = process.argv
  const child = spawn(process.execPath, [...process.execArgv, program!, ...args, '--here'], { stdio: 'inherit' })
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}
