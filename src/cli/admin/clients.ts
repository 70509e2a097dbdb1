/** `mqtt-jig clients`: lists connected clients. */

import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes } from './admin-client.ts'
import { bytes, type Column, duration, printList } from './output.ts'

/** A client in the answers of the admin API. */
export interface ClientItem {
  readonly id: string
  readonly userName?: string
  readonly address: string
  readonly port?: number
  readonly listener: string
  readonly transport: string
  readonly protocolVersion: number
  readonly connectedAtMs: number
  readonly keepAliveSeconds: number
  readonly pendingBytes: number
  readonly bytesReceived: number
  readonly subscriptions: number
  readonly inflight: number
  readonly waiting: number
}

const SORTS = [
  'id',
  'userName',
  'address',
  'listener',
  'transport',
  'protocolVersion',
  'connectedAtMs',
  'keepAliveSeconds',
  'pendingBytes',
  'bytesReceived',
  'subscriptions',
  'inflight',
  'waiting',
] as const

export const spec: CommandSpec = {
  usage: '[TEXT] [options]',
  summary: 'Lists the connected clients; with TEXT those whose identifier, user name or address contains it.',
  options: {
    user: { type: 'string', value: 'NAME', description: 'only clients of this user' },
    address: { type: 'string', value: 'ADDRESS', description: 'only clients from this address' },
    sort: { type: 'string', value: 'FIELD', description: `${SORTS.join(', ')}; id unless given` },
    descending: { type: 'boolean', description: 'the largest first' },
    limit: { type: 'string', value: 'N', description: 'print at most N; all unless given' },
    ...ADMIN_OPTIONS,
  },
  notes: ADMIN_EXIT_CODES,
}

const COLUMNS: readonly Column<ClientItem>[] = [
  { title: 'CLIENT', of: ({ id }) => id },
  { title: 'USER', of: ({ userName }) => userName },
  { title: 'ADDRESS', of: ({ address }) => address },
  { title: 'LISTENER', of: ({ listener }) => listener },
  { title: 'MQTT', of: ({ protocolVersion }) => VERSIONS[protocolVersion] ?? protocolVersion },
  {
    title: 'CONNECTED',
    of: ({ connectedAtMs }) => duration(Math.max(0, Date.now() - connectedAtMs) / 1000),
    isNumber: true,
  },
  { title: 'SUBS', of: ({ subscriptions }) => subscriptions, isNumber: true },
  { title: 'IN FLIGHT', of: ({ inflight }) => inflight, isNumber: true },
  { title: 'WAITING', of: ({ waiting }) => waiting, isNumber: true },
  { title: 'PENDING', of: ({ pendingBytes }) => bytes(pendingBytes), isNumber: true },
]

/** The version for a person. */
export const VERSIONS: Readonly<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5' }

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [text, ...more] = values.positionals
  if (more.length > 0) throw new UsageError('Give one TEXT.')
  const sort = values.text('sort')
  if (sort !== undefined && !SORTS.some((each) => each === sort)) {
    throw new UsageError(`--sort ${sort}: the fields are ${SORTS.join(', ')}.`)
  }
  const query = {
    q: text,
    user: values.text('user'),
    address: values.text('address'),
    sort,
    order: values.has('descending') ? 'desc' : undefined,
  }
  const client = AdminClient.of(values, context)
  await printList({ client, path: '/clients', query, what: 'client' }, COLUMNS, values, context)
  return adminExitCodes.ok
}

export const main = commandMain(spec, run)
