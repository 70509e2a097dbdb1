/** `mqtt-jig health`: whether the broker is ready, for a health check of containers. */

import { type CommandSpec, HELP_OPTION, type OptionValues, UsageError } from '../arguments.ts'
import type { CommandContext } from '../command-context.ts'
import { CommandError, commandMain } from '../run-command.ts'
import { ADMIN_OPTIONS, AdminClient, adminExitCodes } from './admin-client.ts'
import { safe } from './output.ts'

export const spec: CommandSpec = {
  usage: '[options]',
  summary: 'Asks whether the broker is ready. It needs no token.',
  options: {
    url: ADMIN_OPTIONS['url']!,
    timeout: { ...ADMIN_OPTIONS['timeout']!, description: 'how long the broker may take to answer; 5 unless given' },
    ...HELP_OPTION,
  },
  notes: 'Exit codes: 0 it is ready; 1 it is not, or it does not answer; 2 the command line is wrong.',
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  if (values.positionals.length > 0) throw new UsageError('health takes no argument.')
  try {
    const { ok, body } = await AdminClient.withoutToken(values, context, 5).ready()
    const { state, components } = (body ?? {}) as { readonly state?: unknown; readonly components?: unknown }
    if (ok) {
      context.stdout.write('ready\n')
      return adminExitCodes.ok
    }
    const names = Array.isArray(components) && components.length > 0 ? `: ${components.join(', ')}` : ''
    context.stdout.write(`not ready${state === undefined ? '' : `, ${safe(state)}`}${safe(names)}\n`)
  } catch (error) {
    // A health check of Docker knows 0 and 1 alone.
    if (!(error instanceof CommandError)) throw error
    context.stderr.write(`${error.message}\n`)
  }
  return adminExitCodes.failed
}

export const main = commandMain(spec, run)
