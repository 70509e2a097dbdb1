import type { Outcome } from './attack.ts'
import type { AttackResult } from './run-attack.ts'

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
  if (result.status === 'error') return line([...start, '', '', '', '', '', '', '', `error: ${result.reason}`])
  const { preparing, attacked, memoryBefore, memoryPeak, outcome } = result
  const { unanswered } = attacked
  return line([
    ...start,
    time(attacked.p50),
    time(attacked.p99),
    `**${time(attacked.worst)}**`,
    time(preparing.worst),
    time(attacked.worstPublish),
    time(attacked.ownDelay),
    `${mebibytes(memoryBefore)}, ${mebibytes(memoryPeak)}`,
    counts({ ...outcome, 'pings not answered': unanswered }),
  ])
}

/** Counts of 0 are omitted. */
const counts = (outcome: Outcome): string =>
  Object.entries(outcome)
    .filter(([, count]) => count !== 0)
    .map(([what, count]) => `${Math.round(count)} ${what}`)
    .join(', ')

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`

const time = (ms: number): string => (ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(1)} s`)

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${Math.round(bytes / 1024 ** 2)} MiB`
