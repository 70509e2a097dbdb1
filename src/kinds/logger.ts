import { kind } from '../system/kind.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/**
 * Writes one line: the details as fields, the message as text. Never throws. Never pass payloads or passwords. People read the
 * message in a terminal: it must name its subject and the facts in plain words.
 */
export type LogLine = (details: Readonly<Record<string, unknown>>, message: string) => void

/** A line of the log that was written. */
export interface TailLine {
  /** Counted up from 1. A gap is lines that are not kept any more. */
  readonly number: number
  /** An object in JSON: `level` as a number (30 is info), `time` in milliseconds since 1970, `msg`, and the details. */
  readonly json: string
}

/** The last lines of the log, which are kept in memory for operators. */
export interface LogTail {
  /** The number of the last line. */
  readonly last: number
  /**
   * The lines that are kept, the oldest first.
   * @param after only those with a greater number; 0 when it is left out. @param limit at most so many; all when it is left out.
   */
  lines(after?: number, limit?: number): readonly TailLine[]
  /**
   * Calls a reader with each line from now on. It must not throw and not log.
   * @returns ends that.
   */
  onLine(reader: (line: TailLine) => void): () => void
}

/** Where components report to the operator. A call below the set level costs only the function call. */
export interface Logger {
  readonly trace: LogLine
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
  /** The lowest level that is written; assigning it takes effect at once, for child loggers made before too. */
  level: LogLevel
  /** Whether a line of this level is written now: check it first if building the line is expensive. */
  isLevelEnabled(level: LogLevel): boolean
  /** A logger that adds these fields to every line. */
  child(fields: Readonly<Record<string, unknown>>): Logger
  /** The last lines, if this logger keeps them. Child loggers have none of their own. */
  readonly tail?: LogTail | undefined
}

/** The role of the component that writes the log. */
export const Logger = kind<Logger>()('Logger', { stateless: true })
