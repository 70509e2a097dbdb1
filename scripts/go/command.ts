/** A command of the prompt, and what becomes of its result. */

import { inspect } from 'node:util'
import { painted } from './table.ts'

/** One thing that stands ready at the prompt: a function to call, or a value that is read anew each time. */
export type Command = {
  /** How it is written: `log('debug')`. */
  readonly usage: string
  /** What it does, in a line. */
  readonly help: string
  /** What else can be said of it, a line each; printed when the command is named without its parentheses. */
  readonly more?: readonly string[]
  /** An old name, which works and is not listed. */
  readonly unlisted?: boolean
} & ({ readonly call: (...args: never[]) => unknown } | { readonly read: () => unknown })

export type Commands = Readonly<Record<string, Command>>

/** What the user asked for makes no sense; the message is all there is to say. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A text, or how it is made where colours are shown or not. */
export type Text = string | ((colors: boolean) => string)

/** The value, which prints as the text: what a command returns can be read and still be worked with. */
export const shownAs = <T extends object>(value: T, text: Text): T =>
  Object.defineProperty(value, inspect.custom, {
    value: (_depth: number, { colors }: { readonly colors?: boolean } = {}) =>
      typeof text === 'string' ? text : text(colors === true),
    configurable: true,
  })

/** The commands, where each that is named without its parentheses prints how it is used. */
export const withUsage = (commands: Commands): Commands => {
  for (const command of Object.values(commands)) {
    if ('call' in command) shownAs(command.call, (colors) => usageText(command, colors))
  }
  return commands
}

const usageText = ({ usage, help, more = [] }: Command, colors: boolean): string =>
  [`${painted(usage, 'cyan', colors)}  ${help}`, ...more.map((line) => `  ${line}`)].join('\n')

/** The commands, each with a line that says what it does. */
export const helpText = (commands: Commands, colors: boolean): string => {
  const rows = Object.values(commands)
    .filter(({ unlisted }) => unlisted !== true)
    .map(({ usage, help }) => [usage, help])
  rows.push(['.exit', 'stops the system and leaves; so do Ctrl-D, and Ctrl-C pressed twice'])
  const width = Math.max(...rows.map(([usage = '']) => usage.length))
  const lines = rows.map(([usage = '', help]) => `  ${painted(usage.padEnd(width), 'cyan', colors)}  ${help}`)
  return [...lines, 'A command named without its parentheses tells more: publish'].join('\n')
}
