import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'

/**
 * Runs TypeScript's compiler on the project in a folder, without output files.
 *
 * @param options further options of the compiler.
 * @returns what it printed, and whether it found nothing wrong.
 */
export const compile = async (folder: string, options: readonly string[] = []) => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const child = spawn(process.execPath, [compiler, '--project', folder, '--pretty', 'false', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { output, ok: exitCode === 0 }
}
