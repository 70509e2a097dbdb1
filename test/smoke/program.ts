import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'

/** A child process whose standard output is read line by line. */
export interface Program {
  readonly child: ChildProcess
  /** The next line, from now on, that matches. Rejects when the program ends without one. */
  line(pattern: RegExp): Promise<RegExpMatchArray>
  /** All lines so far. */
  readonly lines: readonly string[]
  readonly ended: Promise<number | null>
}

const root = resolve(import.meta.dirname, '../..')
const running: Program[] = []

/** Starts a program, in the root of the repository unless told otherwise. */
export const run = (
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Program => {
  const child = spawn(command, args, { cwd: root, ...options, stdio: ['pipe', 'pipe', 'inherit'] })
  const reader: Interface = createInterface({ input: child.stdout! })
  const lines: string[] = []
  reader.on('line', (line) => lines.push(line))
  const program: Program = {
    child,
    lines,
    line: (pattern) =>
      new Promise((found, failed) => {
        const look = (line: string) => {
          const match = line.match(pattern)
          if (match === null) return
          reader.off('line', look)
          reader.off('close', end)
          found(match)
        }
        const end = () => failed(new Error(`${command} ended without a line like ${pattern}`))
        reader.on('line', look)
        reader.once('close', end)
      }),
    ended: once(child, 'close').then(([code]) => code as number | null),
  }
  running.push(program)
  return program
}

/** Ends what still runs, but for the programs given. */
export const endPrograms = async (...except: readonly Program[]): Promise<void> => {
  const programs = running.filter((program) => !except.includes(program))
  running.splice(0, running.length, ...except)
  for (const { child } of programs) if (child.exitCode === null) child.kill('SIGKILL')
  await Promise.all(programs.map(({ ended }) => ended))
}

/** Starts the broker by its command. @returns the program and its port. */
export const startBrokerProgram = async (): Promise<{ program: Program; port: number }> => {
  const data = mkdtempSync(join(tmpdir(), 'mqtt-jig-smoke-'))
  const settings = ['server.port=0', 'logger.format=json', `store.path=${data}`].flatMap((each) => ['--set', each])
  const program = run('node', ['bin/mqtt-jig.mjs', ...settings])
  void program.ended.then(() => rmSync(data, { recursive: true, force: true }))
  const [, port] = await program.line(/"port":(\d+)/)
  return { program, port: Number(port) }
}
