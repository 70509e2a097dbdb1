import { setTimeout as sleep } from 'node:timers/promises'
import type { CrowdPlan, Job, Outcome } from '../plan.ts'
import { Client } from './client.ts'
import { inParallel } from './in-parallel.ts'
import { disturbance, Interval } from './interval.ts'
import type { Report } from './load.ts'
import { localAddress } from './local-address.ts'
import { Meter } from './meter.ts'

const concurrency = 100
/** How long the work of the broker is measured after the last connection has gone, in milliseconds. */
const restMs = 500

/** Opens many connections, half of which subscribe, and closes all of them again. */
export const runCrowd = async (plan: CrowdPlan, job: Job, report: Report): Promise<Outcome> => {
  const meter = new Meter(0)
  report('warming up', 0)
  // No more at a time than are measured: a process may have so many files open.
  for (let left = plan.warmUpClients; left > 0; left -= plan.clients) {
    await comeAndGo(Math.min(left, plan.clients), 'warm-up', plan, job, meter, () => {})
    await sleep(restMs)
  }
  const interval = new Interval(job.brokerPid)
  await comeAndGo(plan.clients, 'crowd', plan, job, meter, (part) => report('measuring', part))
  await sleep(restMs)
  const used = interval.end()
  const cpuMs = used['brokerCpuMs']
  return {
    status: 'measured',
    values: {
      ...used,
      connections: plan.clients,
      connectionsPerSecond: (plan.clients * 1000) / (used.elapsedMs - restMs),
      ...(cpuMs === undefined ? {} : { cpuPerConnectionUs: (cpuMs * 1000) / plan.clients }),
    },
    faults: meter.faults,
    warnings: [...meter.endings, ...disturbance(used)],
  }
}

const comeAndGo = async (
  count: number,
  name: string,
  { version }: CrowdPlan,
  job: Job,
  meter: Meter,
  progress: (part: number) => void,
): Promise<void> => {
  const clients = Array.from({ length: count }, (_, index) => new Client(job, version, meter, localAddress(index)))
  await inParallel(clients, concurrency, async (client, index) => {
    await client.connect(`bench-${name}-${index}`)
    if (index % 2 === 0) await client.subscribe([`bench/${name}/${index}/value`], 0)
    if (index % 500 === 0) progress(index / count)
  })
  await inParallel(clients, concurrency, async (client) => {
    client.leave()
    await client.closed()
  })
}
