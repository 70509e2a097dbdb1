/** `mqtt-jig reload`: applies a changed config to the running broker. */

import { type CommandSpec, type OptionValues, UsageError } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { commandMain } from '../run-command.ts'
import { ADMIN_EXIT_CODES, ADMIN_OPTIONS, AdminClient, adminExitCodes } from './admin-client.ts'
import { safe, wantsTable } from './output.ts'
import { type Plan, printPlan } from './plan-table.ts'

interface Reload {
  readonly plan?: Plan
  readonly ms?: number
  readonly items: readonly { readonly name: string; readonly change?: string; readonly error?: string }[]
}

export const spec: CommandSpec = {
  usage: '[options]',
  summary:
    'Makes the broker read its config and the files that it names again. Clients stay connected, or it is refused.',
  options: { ...ADMIN_OPTIONS },
  notes: `Exit code 1 also if it is refused, or if a component could not read its files. ${ADMIN_EXIT_CODES}`,
}

const run = async (values: OptionValues, context: CommandContext): Promise<number> => {
  if (values.positionals.length > 0) throw new UsageError('reload takes no argument.')
  const reload = (await AdminClient.of(values, context).post('/components/reload', {})) as Reload
  const { plan = { parts: [], connections: [] }, items, ms } = reload
  await printPlan(plan, reload, values, context)
  if (wantsTable(values, context)) {
    for (const { name, change } of items)
      if (change !== undefined) await write(context.stdout, `${safe(name)}: ${safe(change)}\n`)
    if (ms !== undefined) await write(context.stdout, `Reloaded in ${ms.toFixed(0)} ms.\n`)
  }
  const failed = items.filter(({ error }) => error !== undefined)
  for (const { name, error } of failed) context.stderr.write(`${safe(name)}: ${safe(error)}\n`)
  return failed.length === 0 ? adminExitCodes.ok : adminExitCodes.failed
}

export const main = commandMain(spec, run)
