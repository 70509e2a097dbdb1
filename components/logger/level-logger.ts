import type { Logger as Pino } from 'pino'
import type { Logger, LogLevel, LogLine } from '../../src/kinds/logger.ts'

/** The level in force, shared by a logger and its children: pino copies the level into a child when it is made. */
export interface SharedLevel {
  level: LogLevel
  /** The value of the lowest level that is written. */
  threshold: number
}

/** A pino logger under one level with its children, whenever they were made. */
export class LevelLogger implements Logger {
  readonly trace: LogLine
  readonly debug: LogLine
  readonly info: LogLine
  readonly warn: LogLine
  readonly error: LogLine
  readonly #pino: Pino
  readonly #shared: SharedLevel

  /** @param pino writes every level that reaches it. */
  constructor(pino: Pino, shared: SharedLevel) {
    this.#pino = pino
    this.#shared = shared
    this.trace = this.#line('trace')
    this.debug = this.#line('debug')
    this.info = this.#line('info')
    this.warn = this.#line('warn')
    this.error = this.#line('error')
  }

  get level(): LogLevel {
    return this.#shared.level
  }

  set level(level: LogLevel) {
    this.#shared.level = level
    this.#shared.threshold = levelValues[level]
  }

  isLevelEnabled(level: LogLevel): boolean {
    return levelValues[level] >= this.#shared.threshold
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new LevelLogger(this.#pino.child(fields), this.#shared)
  }

  #line(level: 'trace' | 'debug' | 'info' | 'warn' | 'error'): LogLine {
    const value = levelValues[level]
    return (details, message) => {
      if (value >= this.#shared.threshold) this.#pino[level](details, message)
    }
  }
}

/** How pino numbers the levels. */
export const levelValues: Readonly<Record<LogLevel, number>> = {
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
  silent: Number.POSITIVE_INFINITY,
}
