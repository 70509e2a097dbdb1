import type { AttackResult } from './run-attack.ts'
import { formatCounts, formatMebibytes, formatTime, tableLine } from './table-cells.ts'

export interface Row {
  readonly attack: string
  readonly broker: string
  readonly attackers: number
  readonly result: AttackResult
}

/** The head of a Markdown table. */
export const tableHead = [
  '| attack | broker | attackers | ping p50 | p99 | worst | worst while prepared | worst PUBACK | own delay | memory before, peak | outcome |',
  '|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|',
].join('\n')

/** A row of the table, in Markdown. */
export const tableRow = ({ attack, broker, attackers, result }: Row): string => {
  const start = [attack, broker, String(attackers)]
  if (result.status === 'error') return tableLine([...start, '', '', '', '', '', '', '', `error: ${result.reason}`])
  const { preparing, attacked, memoryBefore, memoryPeak, outcome } = result
  const { unanswered } = attacked
  return tableLine([
    ...start,
    formatTime(attacked.p50),
    formatTime(attacked.p99),
    `**${formatTime(attacked.worst)}**`,
    formatTime(preparing.worst),
    formatTime(attacked.worstPublish),
    formatTime(attacked.ownDelay),
    `${formatMebibytes(memoryBefore)}, ${formatMebibytes(memoryPeak)}`,
    formatCounts({ ...outcome, 'pings not answered': unanswered }),
  ])
}
