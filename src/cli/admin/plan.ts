/** `mqtt-jig plan`: what a reload of the running broker would do. */

import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes } from './admin-client.ts'
import { safe, wantsTable } from './output.ts'
import { type CheckedPlan, printPlan } from './plan-table.ts'

export const spec: CommandSpec = {
  usage: '[options]',
  summary:
    'Says what `mqtt-jig reload` would do to each component and to the connections, and why it would be refused. Changes nothing.',
  options: {
    all: { type: 'boolean', description: 'list also the components that stay as they are' },
    ...ADMIN_OPTIONS,
  },
  notes: `Exit code 1 also if the config is wrong, or if a reload would be refused. ${ADMIN_EXIT_CODES}`,
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  if (values.positionals.length > 0) throw new UsageError('plan takes no argument.')
  const plan = (await AdminClient.of(values, context).get('/components/plan')) as CheckedPlan
  await printPlan(plan, plan, values, context)
  // A broker of an earlier version does not list them.
  const { refusals = [] } = plan
  if (refusals.length === 0) return adminExitCodes.ok
  if (wantsTable(values, context))
    await write(context.stdout, `\n${refusals.map((refusal) => `refused: ${safe(refusal)}\n`).join('')}`)
  return adminExitCodes.failed
}

export const main = commandMain(spec, run)
