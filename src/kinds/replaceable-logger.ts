import type { Logger, LogLevel, LogLine, LogTail } from './logger.ts'

/** Passes all lines on. A call costs one more function call. */
abstract class ForwardingLogger implements Logger {
  readonly trace: LogLine = (details, message) => this.target.trace(details, message)
  readonly debug: LogLine = (details, message) => this.target.debug(details, message)
  readonly info: LogLine = (details, message) => this.target.info(details, message)
  readonly warn: LogLine = (details, message) => this.target.warn(details, message)
  readonly error: LogLine = (details, message) => this.target.error(details, message)

  /** Where the lines go now. */
  abstract get target(): Logger

  get level(): LogLevel {
    return this.target.level
  }

  set level(level: LogLevel) {
    this.target.level = level
  }

  get tail(): LogTail | undefined {
    return this.target.tail
  }

  isLevelEnabled(level: LogLevel): boolean {
    return this.target.isLevelEnabled(level)
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new DerivedLogger(this, fields)
  }
}

/**
 * The logger of one component, which its parts and their child loggers keep. When a reset replaces the component that writes the log,
 * it gets the new logger, and all of them write there.
 */
export class ReplaceableLogger extends ForwardingLogger {
  #target: Logger

  /** @param target usually a child with the name of the component. */
  constructor(target: Logger) {
    super()
    this.#target = target
  }

  get target(): Logger {
    return this.#target
  }

  /** Writes to another logger from now on. @returns goes back to the one before. */
  replace(target: Logger): () => void {
    const before = this.#target
    this.#target = target
    return () => {
      this.#target = before
    }
  }
}

class DerivedLogger extends ForwardingLogger {
  readonly #parent: ForwardingLogger
  readonly #fields: Readonly<Record<string, unknown>>
  /** The target of the parent that `#own` is a child of. */
  #seen: Logger
  #own: Logger

  constructor(parent: ForwardingLogger, fields: Readonly<Record<string, unknown>>) {
    super()
    this.#parent = parent
    this.#fields = fields
    this.#seen = parent.target
    this.#own = this.#seen.child(fields)
  }

  get target(): Logger {
    const { target } = this.#parent
    if (target !== this.#seen) {
      this.#seen = target
      this.#own = target.child(this.#fields)
    }
    return this.#own
  }
}
