import { kind } from '../system/kind.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/**
 * Writes one line: the details as fields, the message as text. Never throws. Never pass payloads or passwords. People read the
 * message in a terminal: it must name its subject and the facts in plain words.
 */
export type LogLine = (details: Readonly<Record<string, unknown>>, message: string) => void

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
}

/** The role of the component that writes the log. */
export const Logger = kind<Logger>()('Logger')
