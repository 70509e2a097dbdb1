import { PassThrough, Writable } from 'node:stream'
import type { CommandContext } from '../../src/cli/command-context.ts'
import { eventually } from './eventually.ts'

type CommandMain = (
  args: readonly string[],
  called: { readonly name: string },
  context: CommandContext,
) => Promise<number>

interface RunOptions {
  readonly stdin?: string | Buffer
  readonly environment?: Readonly<Record<string, string>>
  /** Whether its output is a terminal. */
  readonly isTTY?: boolean
}

class Captured extends Writable {
  readonly isTTY: boolean
  readonly #chunks: Buffer[] = []

  constructor(isTTY: boolean) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk))
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }
}

/** A command that runs in this process. */
export class CommandRun {
  readonly stdin = new PassThrough()
  readonly code: Promise<number>
  readonly #stdout: Captured
  readonly #stderr: Captured
  #interrupts: (() => void)[] = []

  /** @param words `pub -t a -m b`, divided at spaces, or the words. */
  constructor(main: CommandMain, words: string | readonly string[], options: RunOptions = {}) {
    const { isTTY = false, environment = {}, stdin } = options
    this.#stdout = new Captured(isTTY)
    this.#stderr = new Captured(isTTY)
    if (stdin !== undefined) this.stdin.end(stdin)
    const args = typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : words
    this.code = main(
      args,
      { name: 'mqtt-jig test' },
      {
        stdin: this.stdin,
        stdout: this.#stdout,
        stderr: this.#stderr,
        environment,
        onInterrupt: (listener) => {
          this.#interrupts.push(listener)
          return () => {
            this.#interrupts = this.#interrupts.filter((each) => each !== listener)
          }
        },
        reconnectMs: 1,
      },
    )
  }

  get stdout(): string {
    return this.#stdout.bytes.toString()
  }

  get bytes(): Buffer {
    return this.#stdout.bytes
  }

  get stderr(): string {
    return this.#stderr.bytes.toString()
  }

  get lines(): readonly string[] {
    return this.stdout.split('\n').slice(0, -1)
  }

  /** SIGINT. */
  interrupt(): void {
    for (const listener of this.#interrupts) listener()
  }

  /** Waits for text on the standard output or on the standard error. */
  async prints(text: string | RegExp): Promise<void> {
    await eventually(() => {
      const all = this.stdout + this.stderr
      if (typeof text === 'string' ? !all.includes(text) : !text.test(all)) throw new Error(`${text} is not in: ${all}`)
    })
  }
}
