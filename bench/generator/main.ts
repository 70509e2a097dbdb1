/** The process that makes the load: takes one job from the runner, runs it, sends the result and ends. */

import type { Finished, Job, Outcome, Progress } from '../plan.ts'
import { Refusal } from './client.ts'
import { runConnect } from './connect.ts'
import { runCrowd } from './crowd.ts'
import { runIdle } from './idle.ts'
import { type Report, runLoad } from './load.ts'

/** The interval of progress messages, in milliseconds. */
const reportIntervalMs = 200

const run = (job: Job, report: Report): Promise<Outcome> => {
  switch (job.plan.kind) {
    case 'load':
      return runLoad(job.plan, job, report)
    case 'idle':
      return runIdle(job.plan, job, report)
    case 'connect':
      return runConnect(job.plan, job, report)
    case 'crowd':
      return runCrowd(job.plan, job, report)
  }
}

const tell = (message: Progress | Finished): Promise<void> =>
  new Promise((resolve) => {
    process.send?.(message, () => resolve())
  })

const throttled = (): Report => {
  let lastMs = 0
  return (phase, part) => {
    if (performance.now() - lastMs < reportIntervalMs) return
    lastMs = performance.now()
    void tell({ type: 'progress', phase, part })
  }
}

process.once('message', async (job: Job) => {
  let outcome: Outcome
  try {
    outcome = await run(job, throttled())
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    outcome = { status: error instanceof Refusal ? 'refused' : 'error', reason }
  }
  await tell({ type: 'finished', outcome })
  process.exit(0)
})
// Without a runner the process ends.
process.once('disconnect', () => process.exit(1))
