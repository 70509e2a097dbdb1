/** `mqtt-jig disconnect`: disconnects a client, and may ban its address. */

import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes, pathName } from './admin-client.ts'
import { printObject, time } from './output.ts'

export const spec: CommandSpec = {
  usage: 'ID [options]',
  summary: 'Disconnects a client. Its session continues, and it may connect again unless its address is banned.',
  options: {
    reason: {
      type: 'string',
      value: 'CODE',
      description: 'the Reason Code for a client with MQTT 5.0; 152 (Administrative action) unless given',
    },
    ban: {
      type: 'string',
      value: 'SECONDS',
      description: 'ban its address for this time; all clients of the address are refused',
    },
    ...ADMIN_OPTIONS,
  },
  notes: ADMIN_EXIT_CODES,
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  const [id, ...more] = values.positionals
  if (id === undefined || more.length > 0) throw new UsageError('Give one Client Identifier.')
  const ban = values.text('ban')
  const reason = values.text('reason')
  if (ban !== undefined && reason !== undefined) throw new UsageError('Give one of --reason and --ban.')
  const path = `/clients/${pathName(id)}`
  const seconds = values.number('ban', 0, 0, 315_360_000)
  if (ban !== undefined && seconds === 0) throw new UsageError('--ban 0: a time above 0 is expected.')
  const code = reason === undefined ? undefined : values.integer('reason', 0, 128, 255)
  const client = AdminClient.of(values, context)
  if (ban === undefined) {
    const answer = await client.delete(path, { reason: code })
    await printObject(answer, [['Disconnected', id]], values, context)
    return adminExitCodes.ok
  }
  const answer = (await client.post(`${path}/ban`, { seconds })) as {
    readonly address: string
    readonly untilMs: number
  }
  const rows = [
    ['Disconnected', id],
    ['Banned', `${answer.address} until ${time(answer.untilMs)} UTC`],
  ] as const
  await printObject(answer, rows, values, context)
  return adminExitCodes.ok
}

export const main = commandMain(spec, run)
