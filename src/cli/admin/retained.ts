/** `mqtt-jig retained`: lists, reads and deletes retained messages. */

import { visibleJson, visibleText } from '../../terminal/visible-text.ts'
import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes, pathName } from './admin-client.ts'
import { bytes, type Column, printList, printObject, time } from './output.ts'

interface RetainedItem {
  readonly topic: string
  readonly payload: {
    readonly base64: string
    readonly text?: string
    readonly bytes: number
    readonly isCut?: boolean
  }
  readonly qos: number
  readonly expiresAtMs?: number
}

export const spec: CommandSpec = {
  usage: '[FILTER] [options]',
  summary:
    'Lists retained messages with the start of their payloads; with --payload or --delete: of the one topic TOPIC.',
  options: {
    payload: {
      type: 'boolean',
      description:
        'print the payload of the topic, as it is; control characters are shown in a terminal; at most 1 MiB',
    },
    delete: { type: 'boolean', description: 'delete the message of the topic' },
    limit: { type: 'string', value: 'N', description: 'print at most N; all unless given' },
    ...ADMIN_OPTIONS,
  },
  notes: ADMIN_EXIT_CODES,
}

const COLUMNS: readonly Column<RetainedItem>[] = [
  { title: 'TOPIC', of: ({ topic }) => topic },
  { title: 'QOS', of: ({ qos }) => qos, isNumber: true },
  { title: 'BYTES', of: ({ payload }) => bytes(payload.bytes), isNumber: true },
  { title: 'EXPIRES', of: ({ expiresAtMs }) => (expiresAtMs === undefined ? '' : time(expiresAtMs)) },
  {
    title: 'PAYLOAD',
    of: ({ payload: { text, base64, isCut } }) => `${text ?? `base64 ${base64}`}${isCut === true ? '…' : ''}`,
  },
]

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [filter, ...more] = values.positionals
  if (more.length > 0) throw new UsageError('Give one Topic Filter.')
  if (values.has('payload') && values.has('delete')) throw new UsageError('Give one of --payload and --delete.')
  const client = AdminClient.of(values, context)
  if (!values.has('payload') && !values.has('delete')) {
    const query = { filter }
    await printList({ client, path: '/retained', query, what: 'retained message' }, COLUMNS, values, context)
    return adminExitCodes.ok
  }
  if (filter === undefined || /[+#]/.test(filter))
    throw new UsageError('Give a Topic Name, which holds neither + nor #.')
  const path = `/retained/${pathName(filter)}`
  if (values.has('delete')) {
    await printObject(await client.delete(path), [['Deleted', filter]], values, context)
    return adminExitCodes.ok
  }
  const message = (await client.get(path)) as RetainedItem
  if (values.has('json')) await write(context.stdout, `${visibleJson(message)}\n`)
  else await write(context.stdout, payloadOf(message, context))
  if (message.payload.isCut === true)
    context.stderr.write(`The payload has ${message.payload.bytes} bytes: the rest is left out.\n`)
  return adminExitCodes.ok
}

/** As it is, but a terminal would obey its control characters. */
const payloadOf = ({ payload }: RetainedItem, { stdout }: CommandContext): Buffer | string => {
  const content = Buffer.from(payload.base64, 'base64')
  return stdout.isTTY === true ? visibleText(content.toString()) : content
}

export const main = commandMain(spec, run)
