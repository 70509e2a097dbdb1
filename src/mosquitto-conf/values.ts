/** Values of options, as mosquitto reads them. */

import { type ConfLine, lineError } from './conf-line.ts'

/** @throws ConfError for anything but `true` and `false`. */
export const booleanOf = (line: ConfLine): boolean => {
  const value = wordOf(line).toLowerCase()
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw lineError(line, `has the value '${line.value}', which is neither true nor false`)
}

/** @throws ConfError for anything but an integer. */
export const numberOf = (line: ConfLine): number => {
  const word = wordOf(line)
  if (/^-?\d+$/.test(word)) return Number(word)
  throw lineError(line, `has the value '${line.value}', which is not a number`)
}

/** The value up to the first space: mosquitto does not look at what follows. */
export const wordOf = ({ value }: ConfLine): string => /^\S*/.exec(value)![0]

/** A text, such as the path of a file. @throws ConfError if there is none. */
export const textOf = (line: ConfLine): string => {
  if (line.value !== '') return line.value
  throw lineError(line, 'has no value')
}
