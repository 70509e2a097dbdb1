import { readFileSync } from 'node:fs'

/** Files that a process has open besides the connections of attackers: the well-behaved clients, programs, pipes. */
const OTHER_FILES = 400

/**
 * How many of the attackers the limit of open files allows. Node raises the limit of its processes to the hard one.
 * @param limits the text of /proc/self/limits; undefined where there is no /proc.
 */
export const affordable = (attackers: number, limits = readLimits()): number => {
  const [, limit] = /^Max open files\s+\d+\s+(\d+)/m.exec(limits ?? '') ?? []
  return limit === undefined ? attackers : Math.max(1, Math.min(attackers, Number(limit) - OTHER_FILES))
}

const readLimits = (): string | undefined => {
  try {
    return readFileSync('/proc/self/limits', 'latin1')
  } catch {
    return undefined
  }
}
