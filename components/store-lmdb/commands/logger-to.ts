import type { Writable } from 'node:stream'
import type { Logger, LogLine } from '../../../src/kinds/logger.ts'

/** A logger for a command: what went wrong goes to the terminal, the rest nowhere. */
export const loggerTo = (stream: Writable): Logger => {
  const write: LogLine = (_details, message) => {
    stream.write(`${message}\n`)
  }
  const nothing: LogLine = () => undefined
  const logger: Logger = {
    trace: nothing,
    debug: nothing,
    info: nothing,
    warn: write,
    error: write,
    level: 'warn',
    isLevelEnabled: (level) => level === 'warn' || level === 'error' || level === 'fatal',
    child: () => logger,
  }
  return logger
}
