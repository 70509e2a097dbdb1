import type { TailLine } from '../../src/kinds/logger.ts'

/** The names of the levels by their numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** A line of the log as JSON for operators. */
export const logItem = ({ number, json }: TailLine) => {
  const {
    level,
    time,
    msg,
    component,
    pid: _pid,
    hostname: _host,
    ...details
  } = JSON.parse(json) as Record<string, unknown>
  return {
    number,
    timeMs: Number(time),
    level: LEVELS[Number(level)] ?? String(level),
    ...(typeof component === 'string' && { component }),
    message: String(msg ?? ''),
    details,
  }
}
