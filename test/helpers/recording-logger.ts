import type { Logger, LogLevel, LogLine } from '../../src/kinds/logger.ts'

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** A logger that keeps its lines. */
export class RecordingLogger implements Logger {
  readonly lines: { level: LogLevel; message: string; [detail: string]: unknown }[]
  readonly trace = this.#line('trace')
  readonly debug = this.#line('debug')
  readonly info = this.#line('info')
  readonly warn = this.#line('warn')
  readonly error = this.#line('error')
  level: LogLevel = 'trace'
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(fields: Readonly<Record<string, unknown>> = {}, lines: RecordingLogger['lines'] = []) {
    this.#fields = fields
    this.lines = lines
  }

  child(fields: Readonly<Record<string, unknown>>): Logger {
    return new RecordingLogger({ ...this.#fields, ...fields }, this.lines)
  }

  isLevelEnabled(level: LogLevel): boolean {
    return LEVELS.indexOf(level) >= LEVELS.indexOf(this.level)
  }

  /** The lines of one level. */
  at(level: LogLevel): RecordingLogger['lines'] {
    return this.lines.filter((line) => line.level === level)
  }

  #line(level: LogLevel): LogLine {
    return (details, message) => {
      this.lines.push({ ...this.#fields, ...details, level, message })
    }
  }
}
