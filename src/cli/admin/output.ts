import { Progress } from '../../terminal/progress.ts'
import { visibleJson, visibleLine } from '../../terminal/visible-text.ts'
import type { OptionValues } from '../arguments.ts'
import { UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import type { AdminClient, Query } from './admin-client.ts'

/** A column of a table. */
export interface Column<Item> {
  readonly title: string
  readonly of: (item: Item) => unknown
  readonly isNumber?: boolean
}

const MAXIMUM_CELL = 60

/** Whether a table is printed, and not JSON. */
export const wantsTable = (values: OptionValues, { stdout }: CommandContext): boolean => {
  if (values.has('json') && values.has('table')) throw new UsageError('Give one of --json and --table.')
  return values.has('table') || (stdout.isTTY === true && !values.has('json'))
}

/** Prints all items of a list: as they come in JSON, or as one table. @returns how many. */
export const printList = async <Item>(
  list: {
    readonly client: AdminClient
    readonly path: string
    readonly query: Query /** One of them. */
    readonly what: string
  },
  columns: readonly Column<Item>[],
  values: OptionValues,
  context: CommandContext,
): Promise<number> => {
  const isTable = wantsTable(values, context)
  const limit = values.integer('limit', Number.MAX_SAFE_INTEGER, 1, Number.MAX_SAFE_INTEGER)
  const progress = new Progress(context.stderr)
  const items: Item[] = []
  let count = 0
  let all = 0
  for await (const { items: some, total } of list.client.pages<Item>(list.path, list.query, limit)) {
    count += some.length
    all = total
    if (isTable) items.push(...some)
    else await write(context.stdout, some.map((item) => `${visibleJson(item)}\n`).join(''))
    progress.show(() => `${count} of ${total} ${list.what}s`)
  }
  progress.clear()
  if (isTable) {
    await write(context.stdout, table(items, columns))
    await write(context.stdout, `${count < all ? `${count} of ` : ''}${all} ${list.what}${all === 1 ? '' : 's'}\n`)
  }
  return count
}

/** Prints an object: as JSON, or a line for each of these values that is defined. */
export const printObject = async (
  object: unknown,
  rows: readonly (readonly [string, unknown])[],
  values: OptionValues,
  context: CommandContext,
): Promise<void> => {
  if (!wantsTable(values, context)) {
    await write(context.stdout, `${visibleJson(object)}\n`)
    return
  }
  const known = rows.filter(([, value]) => value !== undefined)
  const width = Math.max(...known.map(([name]) => name.length))
  await write(context.stdout, known.map(([name, value]) => `${name.padEnd(width)}  ${safe(value)}\n`).join(''))
}

/** A table with a title over each column; without rows only the titles. */
export const table = <Item>(items: readonly Item[], columns: readonly Column<Item>[]): string => {
  const cells = items.map((item) => columns.map(({ of }) => shortened(safe(of(item)))))
  // A list may have more items than a call may have arguments.
  const widths = columns.map(({ title }, index) =>
    cells.reduce((width, row) => Math.max(width, row[index]!.length), title.length),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) =>
        columns[index]!.isNumber === true ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
      )
      .join('  ')
      .trimEnd()
  return [columns.map(({ title }) => title), ...cells].map((row) => `${line(row)}\n`).join('')
}

/** Text for a terminal, in one line. Others wrote it. */
export const safe = (value: unknown): string => visibleLine(String(value ?? ''))

const shortened = (text: string): string => (text.length > MAXIMUM_CELL ? `${text.slice(0, MAXIMUM_CELL - 1)}…` : text)

/** `2 d 3 h`, `5 min 2 s`. */
export const duration = (seconds: number): string => {
  const units = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const
  const first = units.findIndex(([, size]) => seconds >= size)
  if (first === -1) return '0 s'
  let rest = Math.floor(seconds)
  return units
    .slice(first, first + 2)
    .flatMap(([name, size]) => {
      const count = Math.floor(rest / size)
      rest -= count * size
      return count === 0 ? [] : [`${count} ${name}`]
    })
    .join(' ')
}

/** `1.5 MB`. */
export const bytes = (count: number): string => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = count
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** `2026-01-05 07:08:09`, in UTC. */
export const time = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
