import type { Readable, Writable } from 'node:stream'

/** What a command has of its process. Tests give their own. */
export interface CommandContext {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Calls the listener for each SIGINT and SIGTERM, and when the reader of the output ends. @returns a function that ends this. */
  onInterrupt(listener: () => void): () => void
  /** The first delay before a client connects again. */
  readonly reconnectMs: number
}

export const processContext = (): CommandContext => ({
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  onInterrupt: (listener) => {
    process.on('SIGINT', listener).on('SIGTERM', listener)
    // The reader of the output has ended: `| head`.
    process.stdout.on('error', listener)
    return () => {
      process.off('SIGINT', listener).off('SIGTERM', listener)
      process.stdout.off('error', listener)
    }
  },
  reconnectMs: 1_000,
})

/** Writes, and waits while the reader of the stream is slow. */
export const write = (stream: Writable, data: string | Uint8Array): Promise<void> | undefined => {
  if (stream.write(data) || stream.destroyed) return undefined
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done).off('error', done)
      resolve()
    }
    stream.on('drain', done).on('close', done).on('error', done)
  })
}
