/** A command of the prompt, and its result. */

import { inspect } from 'node:util'
import { painted } from './table.ts'

/** A command at the prompt: a function, or a value that is read each time. */
export type Command = {
  /** How it is written: `log('debug')`. */
  readonly usage: string
  /** What it does, in a line. */
  readonly help: string
  /** More lines of help, printed if the command is named without its parentheses. */
  readonly more?: readonly string[]
  /** An old name, which works and is not listed. */
  readonly unlisted?: boolean
} & ({ readonly call: (...args: never[]) => unknown } | { readonly read: () => unknown })

export type Commands = Readonly<Record<string, Command>>

/** The user made a mistake. Only the message is printed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A text, or a function that makes it with or without colours. */
export type Text = string | ((colors: boolean) => string)

/** A value that is printed as the text, so that the result of a command can be read and used. */
export const shownAs = <T extends object>(value: T, text: Text): T =>
  Object.defineProperty(value, inspect.custom, {
    value: (_depth: number, { colors }: { readonly colors?: boolean } = {}) =>
      typeof text === 'string' ? text : text(colors === true),
    configurable: true,
  })

/** The commands. A command that is named without its parentheses prints its usage. */
export const withUsage = (commands: Commands): Commands => {
  for (const command of Object.values(commands)) {
    if ('call' in command) shownAs(command.call, (colors) => usageText(command, colors))
  }
  return commands
}

const usageText = ({ usage, help, more = [] }: Command, colors: boolean): string =>
  [`${painted(usage, 'cyan', colors)}  ${help}`, ...more.map((line) => `  ${line}`)].join('\n')

/** The list of commands, with a line about each. */
export const helpText = (commands: Commands, colors: boolean): string => {
  const rows = Object.values(commands)
    .filter(({ unlisted }) => unlisted !== true)
    .map(({ usage, help }) => [usage, help])
  rows.push(['.exit', 'stops the system and leaves; so do Ctrl-D, and Ctrl-C pressed twice'])
  const width = Math.max(...rows.map(([usage = '']) => usage.length))
  const lines = rows.map(([usage = '', help]) => `  ${painted(usage.padEnd(width), 'cyan', colors)}  ${help}`)
  return [...lines, 'A command named without its parentheses tells more: publish'].join('\n')
}
