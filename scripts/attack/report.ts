import { formatCounts, formatMebibytes, formatTime, tableLine } from '../floods/table-cells.ts'
import { faultsOf, type Measured } from './judge.ts'

/** The result of an attack: what was measured, or why nothing was. */
export type Result =
  | ({ readonly status: 'measured' } & Measured)
  | { readonly status: 'error'; readonly reason: string }

export interface Row {
  readonly attack: string
  readonly attackers: number
  readonly result: Result
}

/** The head of a Markdown table. */
export const tableHead = [
  '| attack | attackers | ping undisturbed: p99, worst | attacked: p99, worst | worst: times | own delay | memory: peak of bound | acknowledged, lost | faults | what the attackers did |',
  '|---|--:|--:|--:|--:|--:|--:|--:|---|---|',
].join('\n')

/** A row of the table, in Markdown. */
export const tableRow = ({ attack, attackers, result }: Row): string => {
  if (result.status === 'error') return tableLine([attack, String(attackers), ...Array(6).fill(''), result.reason, ''])
  const { undisturbed, attacked, crowd, peakBytes, boundBytes, outcome } = result
  const faults = faultsOf(result)
  return tableLine([
    attack,
    String(attackers),
    `${formatTime(undisturbed.p99)}, ${formatTime(undisturbed.worst)}`,
    `${formatTime(attacked.p99)}, ${formatTime(attacked.worst)}`,
    `${(attacked.worst / undisturbed.worst).toFixed(1)}×`,
    formatTime(attacked.ownDelay),
    `${formatMebibytes(peakBytes)} of ${formatMebibytes(boundBytes)}`,
    `${crowd.acknowledged}, ${crowd.lost}`,
    faults.length === 0 ? 'none' : `**${faults.join('; ')}**`,
    formatCounts(outcome),
  ])
}
