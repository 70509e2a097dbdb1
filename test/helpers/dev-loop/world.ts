import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test as base } from 'vitest'

const repository = resolve(import.meta.dirname, '../../..')
const configSource = readFileSync(resolve(import.meta.dirname, 'system.config.ts'), 'utf8')
/** The source of the two components that the programs run unless a test writes another config. */
export const partSource = readFileSync(resolve(import.meta.dirname, 'parts.ts'), 'utf8')

/** A program in a process of its own. */
export class Program {
  readonly process: ChildProcess
  output = ''
  #listeners: (() => void)[] = []
  readonly #closed: Promise<unknown>

  constructor(directory: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
    const env = { ...process.env, NO_COLOR: '1', ...environment }
    this.process = spawn(process.execPath, args, { cwd: directory, env })
    this.#closed = once(this.process, 'close')
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text
        for (const listener of this.#listeners) listener()
      })
    }
  }

  type(...lines: string[]): void {
    this.process.stdin!.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** Ends the input with these lines. */
  finish(...lines: string[]): void {
    this.type(...lines)
    this.process.stdin!.end()
  }

  /**
   * Resolves once the output contains the text; rejects with the output when the process ends without.
   * @param from where in the output to look for it.
   */
  async said(text: string, from = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (this.output.includes(text, from)) resolve()
      }
      this.#listeners.push(look)
      this.process.once('close', () => reject(new Error(`it never said '${text}':\n${this.output}`)))
      look()
    })
  }

  /** The messages of its lines of JSON. */
  messages(): unknown[] {
    const lines = this.output.split('\n').filter((line) => line.startsWith('{'))
    return lines.map((line) => (JSON.parse(line) as { msg: unknown }).msg)
  }

  /** The exit code, once all output has come; null after a signal that the program did not handle. */
  async ended(): Promise<number | null> {
    await this.#closed
    return this.process.exitCode
  }
}

/** A folder with a system of two components, and the programs that run it. */
export class World {
  readonly directory: string
  /** Variables of the environment that programs started from now on have besides those of the test. */
  environment: Readonly<Record<string, string>> = {}
  readonly #programs: Program[] = []
  #clock = 1_000_000

  constructor() {
    // Below the root, so that the copies find the packages and the sources that they import.
    const parent = join(repository, 'node_modules/.tmp')
    mkdirSync(parent, { recursive: true })
    this.directory = mkdtempSync(join(parent, 'dev-loop-'))
    this.write('parts.ts', partSource)
    this.write('system.config.ts', configSource)
  }

  /** Writes a file with a modification time of its own. */
  write(name: string, text: string): void {
    writeFileSync(join(this.directory, name), text)
    this.#clock += 1
    utimesSync(join(this.directory, name), this.#clock, this.#clock)
  }

  go(...args: string[]): Program {
    return this.#run(join(repository, 'scripts/run.mjs'), join(repository, 'scripts/go.ts'), ...args)
  }

  start(...args: string[]): Program {
    return this.#run(join(repository, 'bin/mqtt-jig.mjs'), ...args)
  }

  #run(...args: string[]): Program {
    const program = new Program(this.directory, [...args, '--config', 'system.config.ts'], this.environment)
    this.#programs.push(program)
    return program
  }

  async end(): Promise<void> {
    for (const program of this.#programs) {
      program.process.kill('SIGKILL')
      await program.ended()
    }
    rmSync(this.directory, { recursive: true })
  }
}

/** The time limit of a test, in milliseconds. Long, for a busy machine. */
export const timeout = 120_000

/** A test with a folder of its own. Its programs are ended after the test. */
export const test = base.extend<{ world: World }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest wants the pattern
  world: async ({}, use) => {
    const world = new World()
    await use(world)
    await world.end()
  },
})
