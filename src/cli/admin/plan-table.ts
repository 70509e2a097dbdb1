import type { OptionValues } from '../arguments.ts'
import { type CommandContext, write } from '../command-context.ts'
import { type Column, table, wantsTable } from './output.ts'

/** A plan, as the API has it. */
export interface Plan {
  readonly parts: readonly {
    readonly name: string
    readonly kind: string
    readonly verdict: string
    readonly reasons: readonly string[]
  }[]
  readonly connections: readonly {
    readonly listener: string
    readonly keptUntouched: number
    readonly repiped: number
    readonly closed: number
  }[]
}

const PARTS: readonly Column<Plan['parts'][number]>[] = [
  { title: 'COMPONENT', of: ({ name }) => name },
  { title: 'VERDICT', of: ({ verdict }) => verdict },
  { title: 'WHY', of: ({ reasons }) => reasons.join('; ') },
]

const CONNECTIONS: readonly Column<Plan['connections'][number]>[] = [
  { title: 'LISTENER', of: ({ listener }) => listener },
  { title: 'NOT TOUCHED', of: ({ keptUntouched }) => keptUntouched, isNumber: true },
  { title: 'KEPT', of: ({ repiped }) => repiped, isNumber: true },
  { title: 'CLOSED', of: ({ closed }) => closed, isNumber: true },
]

/** A plan that is not applied yet, as the API has it. */
export interface CheckedPlan extends Plan {
  /** Why a reload will be refused; empty if it may be applied. */
  readonly refusals: readonly string[]
}

/** Prints a plan as tables, or an answer of the API as JSON. */
export const printPlan = async (
  { parts, connections }: Plan,
  answer: unknown,
  values: OptionValues,
  context: CommandContext,
): Promise<void> => {
  if (!wantsTable(values, context)) return write(context.stdout, `${JSON.stringify(answer)}\n`)
  const shown = values.has('all') ? parts : parts.filter(({ verdict }) => verdict !== 'keep')
  if (shown.length === 0) return write(context.stdout, 'No component changes.\n')
  await write(context.stdout, `${table(shown, PARTS)}\n${table(connections, CONNECTIONS)}`)
  const kept = parts.length - shown.length
  if (kept > 0) await write(context.stdout, `\nNot touched: ${kept} component${kept === 1 ? '' : 's'}.\n`)
}
