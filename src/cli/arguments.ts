/** Command lines of the commands that talk to a broker. */

import { parseArgs } from 'node:util'

export interface CommandOption {
  readonly type: 'boolean' | 'string'
  readonly short?: string
  /** What the help calls the value: `FILE`. */
  readonly value?: string
  readonly isRepeatable?: boolean
  readonly description: string
}

export type CommandOptions = Readonly<Record<string, CommandOption>>

/** A command: what its help and its completion list. */
export interface CommandSpec {
  /** Behind the name of the command: `-t TOPIC -m MESSAGE [options]`. */
  readonly usage: string
  readonly summary: string
  readonly options: CommandOptions
  /** Words that may stand as arguments, for the completion. */
  readonly words?: readonly string[]
  readonly notes?: string
}

/** A mistake in the command line. Its message is a sentence. */
export class UsageError extends Error {}

/** Values of the options by their long names. */
export class OptionValues {
  readonly positionals: readonly string[]
  /** The values of each `--property`. */
  readonly properties: readonly (readonly string[])[]
  readonly #values: Readonly<Record<string, unknown>>

  constructor(
    values: Readonly<Record<string, unknown>>,
    positionals: readonly string[],
    properties: readonly (readonly string[])[],
  ) {
    this.#values = values
    this.positionals = positionals
    this.properties = properties
  }

  has(name: string): boolean {
    return this.#values[name] === true
  }

  /** The last value of the option. */
  text(name: string): string | undefined {
    return [this.#values[name]].flat().at(-1) as string | undefined
  }

  /** All values of a repeatable option. */
  texts(name: string): readonly string[] {
    return (this.#values[name] as string[] | undefined) ?? []
  }

  /** @throws UsageError when it is no whole number from `minimum` to `maximum`. */
  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    return Math.trunc(this.#number(name, fallback, minimum, maximum, /^\d+$/, 'a whole number'))
  }

  /** @throws UsageError when it is no number from `minimum` to `maximum`. */
  number(name: string, fallback: number, minimum: number, maximum: number): number {
    return this.#number(name, fallback, minimum, maximum, /^\d+(?:\.\d+)?$/, 'a number')
  }

  #number(name: string, fallback: number, minimum: number, maximum: number, form: RegExp, what: string): number {
    const text = this.text(name)
    if (text === undefined) return fallback
    const value = Number(text)
    if (form.test(text) && value >= minimum && value <= maximum) return value
    throw new UsageError(`--${name} ${text}: ${what} from ${minimum} to ${maximum} is expected.`)
  }
}

/** The one option that takes several values: `--property publish content-type text/plain`. */
const PROPERTY = 'property'

/**
 * Reads a command line. As in mosquitto's programs the value of an option may begin with `-`, and `--property` takes three or four
 * values.
 * @throws UsageError.
 */
export const parseArguments = (args: readonly string[], options: CommandOptions): OptionValues => {
  const shorts = new Map(
    Object.entries(options).flatMap(([name, { short }]) => (short === undefined ? [] : [[short, name]])),
  )
  const joined: string[] = []
  const properties: string[][] = []
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--') {
      joined.push('--', ...rest)
      break
    }
    const name = arg.startsWith('--') ? arg.slice(2) : arg.startsWith('-') ? shorts.get(arg.slice(1)) : undefined
    const option = name === undefined || !Object.hasOwn(options, name) ? undefined : options[name]
    if (name === PROPERTY && option !== undefined) properties.push(takeProperty(rest))
    else if (option?.type === 'string') {
      const value = rest.shift()
      if (value === undefined) throw new UsageError(`${arg} needs a value: ${option.value ?? 'VALUE'}.`)
      joined.push(`--${name}=${value}`)
    } else joined.push(option === undefined ? arg : `--${name}`)
  }
  try {
    const { values, positionals } = parseArgs({
      args: joined,
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, isRepeatable = false }]) => [
          name,
          { type, multiple: isRepeatable },
        ]),
      ),
    })
    return new OptionValues(values, positionals, properties)
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0]!.replace(/\.?$/, '.'))
  }
}

const takeProperty = (rest: string[]): string[] => {
  const count = rest[1] === 'user-property' ? 4 : 3
  const values = rest.splice(0, count)
  if (values.length < count) {
    const form = count === 4 ? 'COMMAND user-property NAME VALUE' : 'COMMAND PROPERTY VALUE'
    throw new UsageError(`--property needs ${count} values: ${form}.`)
  }
  return values
}

/** The help of a command. @param called `mqtt-jig pub`. */
export const helpOf = (called: string, { usage, summary, options, notes }: CommandSpec): string => {
  const rows = Object.entries(options).map(([name, { short, value, description }]): [string, string] => {
    const names = short === undefined ? `    --${name}` : `-${short}, --${name}`
    return [value === undefined ? names : `${names} ${value}`, description]
  })
  const width = Math.max(...rows.map(([left]) => left.length))
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
  return [`Usage: ${called} ${usage}`, '', summary, '', ...lines, ...(notes === undefined ? [] : ['', notes])].join(
    '\n',
  )
}

export const HELP_OPTION: CommandOptions = { help: { type: 'boolean', description: 'print this and exit' } }
