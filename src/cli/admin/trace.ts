/** `mqtt-jig trace`: follows the packets of a client, a user, an address or a topic. */

import { visibleJson } from '../../terminal/visible-text.ts'
import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { CommandError, commandMain } from '../run-command.ts'
import {
  ADMIN_EXIT_CODES,
  ADMIN_OPTIONS,
  AdminClient,
  adminExitCodes,
  type ListPage,
  pathName,
} from './admin-client.ts'
import { type Column, printObject, safe, table, time, wantsTable } from './output.ts'
import { Pause, POLL_MS } from './pause.ts'

interface TraceItem {
  readonly id: string
  readonly filter: Readonly<Record<string, string>>
  readonly payloads: boolean
  readonly startedAtMs: number
  readonly endsAtMs: number
  readonly isRunning: boolean
  readonly lines: number
  readonly missed: number
}

interface TraceLine {
  readonly number: number
  readonly timeMs: number
  readonly text: string
}

export const spec: CommandSpec = {
  usage:
    '[start] (--client ID | --user NAME | --address ADDRESS | --topic FILTER) [options]\n       trace list | show ID | stop ID',
  summary: `Follows packets in both directions, and prints a line for each, until SIGINT or until the time is over. A packet has to
fit all that are given. list prints the traces, show the lines of one, stop ends and forgets one.`,
  options: {
    client: { type: 'string', value: 'ID', description: 'the packets of this client' },
    user: { type: 'string', value: 'NAME', description: 'the packets of the clients of this user' },
    address: { type: 'string', value: 'ADDRESS', description: 'the packets of clients from this address' },
    topic: { type: 'string', value: 'FILTER', description: 'PUBLISH packets on these topics' },
    payloads: { type: 'boolean', description: 'with the start of each payload' },
    seconds: {
      type: 'string',
      value: 'SECONDS',
      description: 'end after this time; the broker has a default and a maximum',
    },
    'in-background': { type: 'boolean', description: 'start it, print its id, and end; read it with show' },
    ...ADMIN_OPTIONS,
  },
  words: ['start', 'list', 'show', 'stop'],
  notes: ADMIN_EXIT_CODES,
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [word = 'start', id, ...more] = values.positionals
  if (!spec.words!.includes(word)) throw new UsageError(`trace ${word}: the actions are ${spec.words!.join(', ')}.`)
  const takesId = word === 'show' || word === 'stop'
  if (more.length > 0 || takesId !== (id !== undefined))
    throw new UsageError(takesId ? `Give one id: trace ${word} ID.` : `trace ${word} takes no argument.`)
  const client = AdminClient.of(values, context)
  switch (word) {
    case 'list':
      return list(client, values, context)
    case 'show':
      await printLines(client, id!, 0, values, context)
      return adminExitCodes.ok
    case 'stop':
      await printObject(await client.delete(`/traces/${pathName(id!)}`), [['Ended', id]], values, context)
      return adminExitCodes.ok
    default:
      return start(client, values, context)
  }
}

const COLUMNS: readonly Column<TraceItem>[] = [
  { title: 'ID', of: ({ id }) => id },
  { title: 'STATE', of: ({ isRunning }) => (isRunning ? 'running' : 'ended') },
  {
    title: 'FOLLOWS',
    of: ({ filter }) =>
      Object.entries(filter)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
  },
  { title: 'STARTED', of: ({ startedAtMs }) => time(startedAtMs) },
  { title: 'ENDS', of: ({ endsAtMs }) => time(endsAtMs) },
  { title: 'LINES', of: ({ lines }) => lines, isNumber: true },
  { title: 'MISSED', of: ({ missed }) => missed, isNumber: true },
]

const tracesOf = async (client: AdminClient): Promise<readonly TraceItem[]> =>
  ((await client.get('/traces')) as { readonly items: readonly TraceItem[] }).items

const list = async (client: AdminClient, values: OptionValues, context: CommandContext): Promise<number> => {
  const items = await tracesOf(client)
  const text = wantsTable(values, context)
    ? table(items, COLUMNS)
    : items.map((item) => `${visibleJson(item)}\n`).join('')
  await write(context.stdout, text)
  return adminExitCodes.ok
}

const start = async (client: AdminClient, values: OptionValues, context: CommandContext): Promise<number> => {
  const filter = {
    clientId: values.text('client'),
    userName: values.text('user'),
    address: values.text('address'),
    topic: values.text('topic'),
  }
  if (Object.values(filter).every((value) => value === undefined)) {
    throw new UsageError('Give what to follow: --client, --user, --address or --topic.')
  }
  const seconds = values.text('seconds') === undefined ? undefined : values.number('seconds', 0, 0.001, 31_536_000)
  const trace = (await client.post('/traces', { ...filter, payloads: values.has('payloads'), seconds })) as TraceItem
  if (values.has('in-background')) {
    await printObject(
      trace,
      [
        ['Trace', trace.id],
        ['Ends', `${time(trace.endsAtMs)} UTC`],
      ],
      values,
      context,
    )
    return adminExitCodes.ok
  }
  context.stderr.write(`Trace ${safe(trace.id)} runs until SIGINT, or until ${time(trace.endsAtMs)} UTC.\n`)
  await follow(client, trace, values, context)
  return adminExitCodes.ok
}

/** Prints lines as they come, then ends the trace. */
const follow = async (
  client: AdminClient,
  trace: TraceItem,
  values: OptionValues,
  context: CommandContext,
): Promise<void> => {
  const pause = new Pause(context)
  // The clock of the broker may be another one.
  const endMs = performance.now() + (trace.endsAtMs - trace.startedAtMs)
  try {
    let after = 0
    for (let isOver = false; !isOver; ) {
      await pause.wait(Math.max(0, Math.min(POLL_MS, endMs - performance.now())))
      isOver = pause.isInterrupted || performance.now() >= endMs
      after = await printLines(client, trace.id, after, values, context)
    }
    const missed = (await tracesOf(client)).find(({ id }) => id === trace.id)?.missed ?? 0
    if (missed > 0) context.stderr.write(`${missed} more packets fitted. They were too many in a second to be kept.\n`)
    await client.delete(`/traces/${pathName(trace.id)}`)
  } catch (error) {
    // Another operator ended it, or the broker was started again.
    if (!(error instanceof CommandError) || error.exitCode !== adminExitCodes.failed) throw error
    context.stderr.write(`The trace has ended: ${error.message}\n`)
  } finally {
    pause.end()
  }
}

/** Prints the lines behind one. @returns the number of the last line. */
const printLines = async (
  client: AdminClient,
  id: string,
  after: number,
  values: OptionValues,
  context: CommandContext,
): Promise<number> => {
  const isText = wantsTable(values, context)
  let last = after
  for (let next: string | null = ''; next !== null; ) {
    const page = (await client.get(`/traces/${pathName(id)}/lines`, {
      after: last,
      limit: 1_000,
    })) as ListPage<TraceLine>
    last = page.items.at(-1)?.number ?? last
    next = page.items.length === 0 ? null : page.next
    await write(context.stdout, page.items.map((line) => `${isText ? lineOf(line) : visibleJson(line)}\n`).join(''))
  }
  return last
}

const lineOf = ({ timeMs, text }: TraceLine): string => safe(`${new Date(timeMs).toISOString().slice(11, 23)} ${text}`)

export const main = commandMain(spec, run)
