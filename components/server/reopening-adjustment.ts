import { NO_ADJUSTMENT } from '../../src/network/adjustments.ts'
import type { Adjustment } from '../../src/system/define-system.ts'
import type { PipelineChange } from './connection-stages.ts'
import type { CoreRecord } from './core-record.ts'
import type { Pipeline } from './pipeline.ts'
import { differs, obstacleTo, planReopening, type Reopening, renewed } from './reopening.ts'

/**
 * The change of the pipelines of all connections. If one of them cannot be opened anew, `commit` throws, and `undo` goes back to the stages
 * before for all of them.
 * @throws Error with the reason why the connections that are open now cannot continue with these stages.
 */
export const reopen = (core: ReopenedCore, plan: Reopening): Adjustment => {
  if (!differs(plan)) return NO_ADJUSTMENT
  const changes: PipelineChange[] = []
  const check = (): void => {
    const obstacle = core.obstacleTo(plan)
    if (obstacle !== undefined) throw new Error(`The connections cannot go on: ${obstacle}.`)
  }
  check()
  return {
    commit: () => {
      check()
      core.reopen(plan, (change) => changes.push(change))
    },
    undo: () => {
      core.openBy(plan.from)
      for (const change of changes.reverse()) change.undo()
    },
    done: () => {
      for (const change of changes) change.done()
      changes.length = 0
    },
  }
}

/** The connections whose pipelines are opened anew. */
interface ReopenedCore {
  obstacleTo(plan: Reopening): string | undefined
  reopen(plan: Reopening, begun: (change: PipelineChange) => void): void
  openBy(pipeline: Pipeline): void
}

/** How the connections of another core continue. @throws Error with the reason why they cannot. */
export const planContinuation = ({ pipeline, connections }: CoreRecord, to: Pipeline): Reopening => {
  const plan = renewed(planReopening(pipeline, to))
  for (const { open, stages } of connections) {
    const obstacle = open ? obstacleTo(plan, stages.handOver()) : undefined
    if (obstacle !== undefined) throw new Error(`The connections cannot go on: ${obstacle}.`)
  }
  return plan
}
