/** Cells of the Markdown tables that the commands print. */

import type { Outcome } from './attack.ts'

export const tableLine = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`

export const formatTime = (ms: number): string =>
  ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(1)} s`

/** @param bytes undefined when they could not be measured. */
export const formatMebibytes = (bytes: number | undefined): string =>
  bytes === undefined ? '-' : `${Math.round(bytes / 1024 ** 2)} MiB`

/** Counts of 0 are omitted. */
export const formatCounts = (outcome: Outcome): string =>
  Object.entries(outcome)
    .filter(([, count]) => Math.round(count) !== 0)
    .map(([what, count]) => `${Math.round(count)} ${what}`)
    .join(', ')
