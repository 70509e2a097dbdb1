import type { Environment, Row } from '../environment.ts'
import { slices } from '../restore.ts'

/** Says how far a command is. */
export type Progress = (entries: number) => void

/** All entries of some tables, in the order of their keys. */
export async function* rowsOf(
  environment: Environment,
  tables: readonly number[],
  progress: Progress,
): AsyncGenerator<Row, void> {
  let count = 0
  for (const table of tables) {
    for await (const rows of slices(environment, table)) {
      yield* rows
      count += rows.length
      progress(count)
    }
  }
}

/** Writes a line each second. @param write to a terminal. */
export const progressLine = (doing: string, write: (line: string) => void): Progress => {
  let nextMs = performance.now() + PROGRESS_MS
  return (entries) => {
    if (performance.now() < nextMs) return
    nextMs = performance.now() + PROGRESS_MS
    write(`${doing}: ${entries} entries so far\n`)
  }
}

const PROGRESS_MS = 1_000
