import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Characters kept of what a process wrote. */
const outputLimit = 4096
/** How long a process may take to end after SIGTERM, in milliseconds. */
const stopDeadlineMs = 10_000

/** Running child processes. They are ended with this process. */
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** A child process. It ends with this process at the latest. */
export class Child {
  readonly process: ChildProcess
  readonly #name: string
  #output = ''
  #ending: string | undefined
  #stopping = false

  /** @param ipc opens a channel for messages. */
  constructor(name: string, command: string, args: readonly string[], { ipc = false, cwd = process.cwd() } = {}) {
    this.#name = name
    const stdio = ipc ? (['ignore', 'pipe', 'pipe', 'ipc'] as const) : (['ignore', 'pipe', 'pipe'] as const)
    this.process = spawn(command, args, { stdio: [...stdio], cwd, serialization: 'advanced' })
    children.add(this.process)
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-outputLimit)
      })
    }
    this.process.on('error', (error) => this.#end(`cannot be run: ${error.message}`))
    this.process.on('exit', (code, signal) => this.#end(signal === null ? `exited with ${code}` : `ended by ${signal}`))
  }

  get output(): string {
    return this.#output
  }

  /** How it ended, unless it was stopped. */
  get crash(): string | undefined {
    return this.#stopping ? undefined : this.#ending
  }

  /** Polls a condition about the process. @throws Error when it ends first, or takes longer. */
  async until<T>(find: () => T | undefined | Promise<T | undefined>, seconds = 20): Promise<T> {
    const deadline = performance.now() + seconds * 1000
    for (;;) {
      const found = await find()
      if (found !== undefined) return found
      if (this.#ending !== undefined) throw new Error(`${this.#name} ${this.#ending}\n${this.#output.trim()}`)
      if (performance.now() > deadline)
        throw new Error(`${this.#name} is not ready after ${seconds} s\n${this.#output.trim()}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** Resolves with the next message that it sends. @throws Error when it ends without one. */
  async message<T>(seconds?: number): Promise<T> {
    let found: { readonly message: T } | undefined
    this.process.once('message', (message) => {
      found = { message: message as T }
    })
    return (await this.until(() => found, seconds)).message
  }

  /** Ends it with SIGTERM, and with SIGKILL if that is not enough. */
  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#ending !== undefined) return
    const exit = once(this.process, 'exit')
    this.process.kill('SIGTERM')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), stopDeadlineMs)
    await exit
    clearTimeout(timer)
  }

  #end(how: string): void {
    this.#ending ??= how
    children.delete(this.process)
  }
}
