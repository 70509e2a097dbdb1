import type { DestinationStream } from 'pino'
import { RecentLines } from './log-tail.ts'
import type { Output } from './output.ts'

/** How many lines are kept in memory. */
export interface TailBounds {
  /** Lines that are kept in memory, and their characters together. None unless told otherwise. */
  readonly tailLines?: number
  readonly tailCharacters?: number
}

/** Where the lines of a logger and of its children go. A reset changes it under all of them. */
export class Outlet implements DestinationStream {
  /** The last lines, if any are kept. */
  tail: RecentLines | undefined
  #output: Output

  constructor(output: Output, bounds: TailBounds) {
    this.#output = output
    this.tail = tailOf(bounds)
  }

  write(line: string): void {
    this.#output.write(line)
    this.tail?.add(line)
  }

  /** Writes to another output from now on. @returns the one before, which is still open. */
  replace(output: Output): Output {
    const before = this.#output
    this.#output = output
    return before
  }

  /** Keeps more or fewer lines from now on. @returns takes it back. */
  adjustTail(bounds: TailBounds): () => void {
    const { tailLines = 0, tailCharacters = 0 } = bounds
    const before = this.tail
    if (before !== undefined && tailLines > 0) return before.adjust(tailLines, tailCharacters)
    this.tail = tailOf(bounds)
    return () => {
      this.tail = before
    }
  }

  close(): Promise<void> {
    return this.#output.close()
  }
}

const tailOf = ({ tailLines = 0, tailCharacters = 0 }: TailBounds): RecentLines | undefined =>
  tailLines === 0 ? undefined : new RecentLines(tailLines, tailCharacters)
