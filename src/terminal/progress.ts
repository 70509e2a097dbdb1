import type { Writable } from 'node:stream'

/** A command that is done before has no progress. */
const SILENCE_MS = 1_000
const TERMINAL_MS = 200
/** Into a file or a log a line is written seldom. */
const FILE_MS = 10_000

/** Says how far a command is, if it takes longer than a second: one line that changes in a terminal, a line now and then elsewhere. */
export class Progress {
  readonly #output: Writable & { readonly isTTY?: boolean }
  #nextMs: number
  #isShown = false

  constructor(output: Writable & { readonly isTTY?: boolean }) {
    this.#output = output
    this.#nextMs = performance.now() + (output.isTTY === true ? SILENCE_MS : FILE_MS)
  }

  /** @param text called only if it is time to show it. */
  show(text: () => string): void {
    const now = performance.now()
    if (now < this.#nextMs) return
    const isTerminal = this.#output.isTTY === true
    this.#nextMs = now + (isTerminal ? TERMINAL_MS : FILE_MS)
    this.#isShown = isTerminal
    this.#output.write(isTerminal ? `\r\u001b[K${text()}` : `${text()}\n`)
  }

  /** Removes the line. */
  clear(): void {
    if (this.#isShown) this.#output.write('\r\u001b[K')
    this.#isShown = false
  }
}

/** `[=====>    ] 52 %, 104 of 200 MB`. @param total at least 1. */
export const progressBar = (done: number, total: number, width = 30): string => {
  const share = Math.min(1, done / Math.max(1, total))
  const filled = Math.round(share * width)
  return `[${'='.repeat(filled)}${' '.repeat(width - filled)}] ${Math.floor(share * 100)} %, ${size(done)} of ${size(total)}`
}

const size = (bytes: number): string => {
  const units = ['B', 'kB', 'MB', 'GB']
  const power = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}
