import { basename } from 'node:path'

/** One option with its value. */
export interface ConfLine {
  /** The path of its file, as it was given or as `include_dir` gives it. */
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** `max_connections` */
  readonly name: string
  /** The rest of the line, without spaces around it; empty for none. */
  readonly value: string
}

/** A mosquitto.conf that cannot be read. Its message says the file and the line. */
export class ConfError extends Error {
  override readonly name = 'ConfError'
}

/** Where a line is: `mosquitto.conf:12`. */
export const placeOf = ({ file, line }: Pick<ConfLine, 'file' | 'line'>): string => `${basename(file)}:${line}`

/** An error in a line. */
export const lineError = (line: ConfLine, problem: string): ConfError =>
  new ConfError(`${line.file}:${line.line}: ${line.name} ${problem}`)
