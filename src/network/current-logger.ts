import type { Logger, LogLevel, LogLine } from '../kinds/logger.ts'

/** The logger of a component, which a reset may replace while the objects that hold this one go on. */
export class CurrentLogger implements Logger {
  #to: Logger

  constructor(to: Logger) {
    this.#to = to
  }

  /** Writes to another logger from now on. @returns the one before. */
  follow(to: Logger): Logger {
    const before = this.#to
    this.#to = to
    return before
  }

  readonly trace: LogLine = (details, message) => this.#to.trace(details, message)
  readonly debug: LogLine = (details, message) => this.#to.debug(details, message)
  readonly info: LogLine = (details, message) => this.#to.info(details, message)
  readonly warn: LogLine = (details, message) => this.#to.warn(details, message)
  readonly error: LogLine = (details, message) => this.#to.error(details, message)

  get level(): LogLevel {
    return this.#to.level
  }

  set level(level: LogLevel) {
    this.#to.level = level
  }

  isLevelEnabled(level: LogLevel): boolean {
    return this.#to.isLevelEnabled(level)
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return this.#to.child(fields)
  }
}
