import { open } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'
import { type DestinationStream, destination } from 'pino'
import { readableMessage } from './readable-message.ts'

export interface OutputOptions {
  readonly format: 'auto' | 'pretty' | 'json'
  /** `stdout`, `stderr` or the path of a file. */
  readonly destination: string
}

/** A destination of lines, with the stream that it owns. */
export class Output implements DestinationStream {
  /** The stream to close; none for a terminal, which is the process's own. */
  readonly #stream: Stream | undefined
  readonly #lines: DestinationStream
  /** The reader of the pipe is gone: pino has made the stream a sink, which never says that it closed. */
  #broken = false
  #closed: Promise<void> | undefined

  private constructor(stream: Stream | undefined, lines: DestinationStream) {
    this.#stream = stream
    this.#lines = lines
    // A log that cannot be written, to a full disk say, stops no broker.
    stream?.on('error', (error: NodeJS.ErrnoException) => {
      this.#broken = error.code === 'EPIPE'
    })
  }

  /** Opens the destination. @throws the operating system's error when the file cannot be opened. */
  static async open(options: OutputOptions): Promise<Output> {
    const descriptor = standardStreams.get(options.destination)
    const terminal = descriptor !== undefined && isatty(descriptor)
    const pretty = options.format === 'pretty' || (options.format === 'auto' && terminal)
    // Loaded only when it is used: it takes longer to load than the rest of the logger.
    const format = pretty ? await loadFormatter(terminal) : undefined
    // In a terminal lines keep their order with what else the process prints there, and a prompt can make way for them.
    if (terminal) {
      const screen = options.destination === 'stderr' ? process.stderr : process.stdout
      return new Output(undefined, formatted(screen, format))
    }
    // Other readers may be slow, and none may block us.
    const stream = destination({
      dest: descriptor ?? (await openFile(options.destination)),
      sync: false,
      maxLength: maximumBufferedLength,
    })
    return new Output(stream, formatted(stream, format))
  }

  write(line: string): void {
    this.#lines.write(line)
  }

  /** Writes what is buffered and closes the file. Do not write afterwards. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const stream = this.#stream
    if (stream === undefined || this.#broken) return
    await new Promise<void>((resolve) => {
      stream.once('close', resolve).once('error', () => resolve())
      stream.end()
    })
  }
}

type Stream = ReturnType<typeof destination>

const standardStreams: ReadonlyMap<string, number> = new Map([
  ['stdout', 1],
  ['stderr', 2],
])

const formatted = (
  stream: { write(text: string): unknown },
  format: ((line: string) => string) | undefined,
): DestinationStream => ({ write: (line) => void stream.write(format === undefined ? line : format(line)) })

/** Opened here and not by pino, whose stream throws when the process ends if its file could not be opened. */
const openFile = async (path: string): Promise<number> => {
  await mkdir(dirname(path), { recursive: true })
  return promisify(open)(path, 'a')
}

/** Characters that wait for a slow reader of the log; what is logged beyond them is dropped. */
const maximumBufferedLength = 4 * 1024 * 1024

const loadFormatter = async (colorize: boolean): Promise<(line: string) => string> => {
  const { prettyFactory } = await import('pino-pretty')
  const messageFormat = (line: Readonly<Record<string, unknown>>, messageKey: string) =>
    readableMessage(line, messageKey)
  return prettyFactory({
    colorize,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
    messageFormat,
  })
}
