/** The components of a degraded system that do not run. */

import { formatError } from '../../src/system/format-error.ts'
import type { ComponentStatus } from '../../src/system/system-view.ts'

/** Those that failed, then those that they block. */
export const missingOf = (components: readonly ComponentStatus[]): readonly ComponentStatus[] => [
  ...components.filter(({ state }) => state === 'failed'),
  ...components.filter(({ state }) => state === 'blocked'),
]

/** What did not start, and why; empty when all run. */
export const missingText = (components: readonly ComponentStatus[]): readonly string[] => {
  const missing = missingOf(components)
  if (missing.length === 0) return []
  return [
    ...missing.flatMap(({ error }) => (error === undefined ? [] : [formatError(error)])),
    `Not running: ${missing.map(({ name }) => name).join(', ')}. retry() starts them again.`,
  ]
}
