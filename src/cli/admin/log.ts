/** `mqtt-jig log`: the last lines of the log, and its level. */

import { visibleJson } from '../../terminal/visible-text.ts'
import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes, type ListPage } from './admin-client.ts'
import { printObject, safe, time, wantsTable } from './output.ts'
import { Pause, POLL_MS } from './pause.ts'

interface LogItem {
  readonly number: number
  readonly timeMs: number
  readonly level: string
  readonly component?: string
  readonly message: string
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export const spec: CommandSpec = {
  usage: '[level [LEVEL]] [options]',
  summary:
    'Prints the last lines of the log that the broker keeps in memory; with level: prints or sets the lowest level that is written.',
  options: {
    follow: { type: 'boolean', short: 'f', description: 'print new lines as they come, until SIGINT' },
    lines: { type: 'string', short: 'n', value: 'N', description: 'so many lines, 1000 at most; 100 unless given' },
    ...ADMIN_OPTIONS,
  },
  words: ['level', ...LEVELS],
  notes: ADMIN_EXIT_CODES,
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [word, level, ...more] = values.positionals
  if ((word !== undefined && word !== 'level') || more.length > 0)
    throw new UsageError('Give nothing, level, or level LEVEL.')
  if (level !== undefined && !LEVELS.includes(level)) throw new UsageError(`The levels are ${LEVELS.join(', ')}.`)
  const client = AdminClient.of(values, context)
  if (word === 'level') {
    const answer = await (level === undefined ? client.get('/log/level') : client.put('/log/level', { level }))
    await printObject(answer, [['Level', (answer as { readonly level: string }).level]], values, context)
    return adminExitCodes.ok
  }
  const isText = wantsTable(values, context)
  const print = (items: readonly LogItem[]): Promise<void> | undefined =>
    write(context.stdout, items.map((item) => `${isText ? lineOf(item) : visibleJson(item)}\n`).join(''))
  const limit = values.integer('lines', 100, 1, 1_000)
  const pause = new Pause(context)
  try {
    let page = (await client.get('/log', { limit })) as ListPage<LogItem>
    let after = page.items.at(-1)?.number ?? page.total
    await print(page.items)
    while (values.has('follow') && !pause.isInterrupted) {
      if (page.next === null) await pause.wait(POLL_MS)
      if (pause.isInterrupted) break
      page = (await client.get('/log', { after, limit: 1_000 })) as ListPage<LogItem>
      // Counted anew: the broker was started again.
      if (page.total < after) after = 0
      else after = page.items.at(-1)?.number ?? after
      await print(page.items)
    }
  } finally {
    pause.end()
  }
  return adminExitCodes.ok
}

const lineOf = ({ timeMs, level, component, message }: LogItem): string =>
  `${time(timeMs)} ${level.toUpperCase().padEnd(5)} ${safe(component === undefined ? message : `${component}: ${message}`)}`

export const main = commandMain(spec, run)
