import type { ComponentGraph } from './component-graph.ts'
import type { Part } from './part.ts'

/**
 * Marks the components that cannot start as blocked, with the reason. A later failure may block them as well.
 * @param isInterrupted those that nothing blocks are stopped.
 */
export const settleWaiting = (
  order: readonly string[],
  graph: ComponentGraph,
  parts: ReadonlyMap<string, Part>,
  isInterrupted: boolean,
): void => {
  const blame = graph.blame((name) => {
    const { state } = parts.get(name)!
    if (state === 'blocked') return 'waiting'
    return state === 'failed' || state === 'waiting' ? state : undefined
  })
  for (const name of order) {
    const part = parts.get(name)!
    if (part.state !== 'waiting' && part.state !== 'blocked') continue
    const blockedBy = blame.get(name)!
    if (blockedBy.length > part.status.blockedBy.length) part.block(blockedBy)
    else if (isInterrupted && part.state === 'waiting') part.enter('stopped')
  }
}
