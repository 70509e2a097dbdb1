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
  if (result.status === 'error') return line([attack, String(attackers), ...Array(6).fill(''), result.reason, ''])
  const { undisturbed, attacked, crowd, peakBytes, boundBytes, outcome } = result
  const faults = faultsOf(result)
  return line([
    attack,
    String(attackers),
    `${time(undisturbed.p99)}, ${time(undisturbed.worst)}`,
    `${time(attacked.p99)}, ${time(attacked.worst)}`,
    `${(attacked.worst / undisturbed.worst).toFixed(1)}×`,
    time(attacked.ownDelay),
    `${mebibytes(peakBytes)} of ${mebibytes(boundBytes)} MiB`,
    `${crowd.acknowledged}, ${crowd.lost}`,
    faults.length === 0 ? 'none' : `**${faults.join('; ')}**`,
    counts(outcome),
  ])
}

/** Counts of 0 are omitted. */
const counts = (outcome: Readonly<Record<string, number>>): string =>
  Object.entries(outcome)
    .filter(([, count]) => Math.round(count) !== 0)
    .map(([what, count]) => `${Math.round(count)} ${what}`)
    .join(', ')

const line = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`

const time = (ms: number): string => (ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(1)} s`)

const mebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${Math.round(bytes / 1024 ** 2)}`
