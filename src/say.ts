import { hostname } from 'node:os'

/** The levels that the program uses, as pino numbers them. */
const levels = { info: 30, warn: 40, error: 50, fatal: 60 } as const

/**
 * Writes a line of the program itself, not of a component, to stderr: as text in a terminal, and otherwise as JSON in the form of
 * the log, so that a program that collects the output reads one format.
 */
export const say = (text: string, level: keyof typeof levels = 'info'): void => {
  process.stderr.write(`${process.stderr.isTTY ? text : lineOf(text, level)}\n`)
}

const lineOf = (msg: string, level: keyof typeof levels): string =>
  JSON.stringify({ level: levels[level], time: Date.now(), pid: process.pid, hostname: hostname(), msg })
