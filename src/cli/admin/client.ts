/** `mqtt-jig client`: describes a connected client. */

import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes, pathName } from './admin-client.ts'
import { type ClientItem, VERSIONS } from './clients.ts'
import { bytes, printObject, table, time, wantsTable } from './output.ts'

interface ClientDetail extends ClientItem {
  readonly session: {
    readonly subscriptions: readonly { readonly filter: string; readonly qos: number }[]
    readonly expiryIntervalSeconds: number
    readonly hasWill: boolean
  }
}

export const spec: CommandSpec = {
  usage: 'ID [options]',
  summary: 'Describes a connected client and its session.',
  options: ADMIN_OPTIONS,
  notes: ADMIN_EXIT_CODES,
}

const NEVER_EXPIRES = 0xffff_ffff

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [id, ...more] = values.positionals
  if (id === undefined || more.length > 0) throw new UsageError('Give one Client Identifier.')
  const client = (await AdminClient.of(values, context).get(`/clients/${pathName(id)}`)) as ClientDetail
  const { session } = client
  const { expiryIntervalSeconds } = session
  const rows = [
    ['Client', client.id],
    ['User', client.userName],
    ['Address', client.port === undefined ? client.address : `${client.address}:${client.port}`],
    ['Listener', `${client.listener} (${client.transport})`],
    ['MQTT', VERSIONS[client.protocolVersion] ?? client.protocolVersion],
    ['Connected since', `${time(client.connectedAtMs)} UTC`],
    ['Keep Alive', client.keepAliveSeconds === 0 ? 'none' : `${client.keepAliveSeconds} s`],
    ['Bytes received', bytes(client.bytesReceived)],
    ['Bytes to be sent', bytes(client.pendingBytes)],
    ['Messages in flight', client.inflight],
    ['Messages waiting', client.waiting],
    ['Session Expiry Interval', expiryIntervalSeconds === NEVER_EXPIRES ? 'never' : `${expiryIntervalSeconds} s`],
    ['Will', session.hasWill ? 'yes' : 'no'],
    ['Subscriptions', client.subscriptions],
  ] as const
  await printObject(client, rows, values, context)
  if (wantsTable(values, context) && session.subscriptions.length > 0) {
    const columns = [
      { title: 'FILTER', of: (each: { readonly filter: string }) => each.filter },
      { title: 'QOS', of: (each: { readonly qos: number }) => each.qos, isNumber: true },
    ]
    await write(context.stdout, `\n${table(session.subscriptions, columns)}`)
  }
  return adminExitCodes.ok
}

export const main = commandMain(spec, run)
