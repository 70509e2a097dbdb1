import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectPlan, Job, Outcome } from '../plan.ts'
import { Client, Refusal } from './client.ts'
import { disturbance, Interval } from './interval.ts'
import type { Report } from './load.ts'
import { localAddress } from './local-address.ts'
import { Meter } from './meter.ts'

/** Opens and closes connections repeatedly, each with CONNECT and CONNACK. */
export const runConnect = async (plan: ConnectPlan, job: Job, report: Report): Promise<Outcome> => {
  const meter = new Meter(0)
  const state = { started: 0, done: 0, running: true, limit: Number.POSITIVE_INFINITY }
  const workers = Array.from({ length: plan.concurrency }, () => cycle(plan, job, meter, state))
  const all = Promise.all(workers)
  // The error is thrown where the promises are awaited.
  all.catch(() => {
    state.running = false
  })
  await sleep(job.warmUpMs)
  const before = state.done
  if (plan.cycles !== undefined) state.limit = state.started + plan.cycles
  const interval = new Interval(job.brokerPid)
  while (state.running && (plan.cycles === undefined ? interval.elapsedMs < job.measureMs : state.done < state.limit)) {
    await sleep(plan.cycles === undefined ? Math.max(1, Math.min(100, job.measureMs - interval.elapsedMs)) : 100)
    const part = plan.cycles === undefined ? interval.elapsedMs / job.measureMs : (state.done - before) / plan.cycles
    report('measuring', Math.min(1, part))
  }
  const used = interval.end()
  const connects = state.done - before
  state.running = false
  await all
  const cpuMs = used['brokerCpuMs']
  return {
    status: 'measured',
    values: {
      ...used,
      connections: connects,
      connectionsPerSecond: (connects * 1000) / used.elapsedMs,
      ...(cpuMs === undefined || connects === 0 ? {} : { cpuPerConnectionUs: (cpuMs * 1000) / connects }),
    },
    faults: meter.faults,
    warnings: [...meter.endings, ...disturbance(used)],
  }
}

interface State {
  started: number
  done: number
  running: boolean
  limit: number
}

const cycle = async (plan: ConnectPlan, job: Job, meter: Meter, state: State): Promise<void> => {
  while (state.running && state.started < state.limit) {
    const number = state.started++
    const client = new Client(job, plan.version, meter, localAddress(number))
    try {
      await client.connect(`bench-connect-${number}`)
    } catch (error) {
      client.destroy()
      // The first connection shows whether the broker accepts such connections.
      if (number < plan.concurrency || error instanceof Refusal) throw error
      meter.faults.notConnected += 1
      continue
    }
    client.leave()
    await client.closed()
    state.done += 1
  }
}
