import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { IdlePlan, Job, Outcome } from '../plan.ts'
import { readProcessUsage } from '../process-usage.ts'
import { Client } from './client.ts'
import { inParallel } from './in-parallel.ts'
import type { Report } from './load.ts'
import { localAddress } from './local-address.ts'
import { Meter } from './meter.ts'

const concurrency = 100
/** Connections opened and closed beforehand: the broker's first memory is not that of a connection. */
const warmUpConnections = 100
/** The time for garbage collection to finish, in milliseconds. */
const settleMs = 2_000
/** Open files that a broker needs besides its connections. */
const otherFiles = 100

/** Opens connections that then do nothing, and looks at what the broker needs for them. */
export const runIdle = async (plan: IdlePlan, job: Job, report: Report): Promise<Outcome> => {
  const meter = new Meter(0)
  requireOpenFiles(plan.connections)
  await open(Math.min(warmUpConnections, plan.connections), 'warm-up', plan, job, meter, (clients) => {
    for (const client of clients) client.leave()
  })
  await sleep(settleMs)
  const before = readProcessUsage(job.brokerPid)
  const startMs = performance.now()
  const clients = await open(plan.connections, 'idle', plan, job, meter, (_, part) => report('connecting', part))
  const elapsedMs = performance.now() - startMs
  await sleep(settleMs + job.measureMs)
  const after = readProcessUsage(job.brokerPid)
  // The answers show that all connections are open.
  await inParallel(clients, concurrency, async (client) => {
    // One that has ended is counted already.
    if (!client.open) return
    await client.ping().catch(() => {
      meter.faults.missingAcknowledgements += 1
    })
  })
  for (const client of clients) client.destroy()
  const connectionsPerSecond = (plan.connections * 1000) / elapsedMs
  const memory =
    before === undefined || after === undefined
      ? {}
      : {
          rssBytes: after.rssBytes,
          bytesPerConnection: (after.rssBytes - before.rssBytes) / plan.connections,
        }
  return {
    status: 'measured',
    values: { connections: plan.connections, connectionsPerSecond, ...memory },
    faults: meter.faults,
    warnings: meter.endings,
  }
}

/** @throws Error when this process may not hold so many connections; the broker has the same limit. */
const requireOpenFiles = (connections: number): void => {
  const limit = openFilesLimit()
  if (limit !== undefined && connections + otherFiles > limit) {
    throw new Error(
      `${connections} connections need as many open files, and the limit is ${limit}: raise it (ulimit -n)`,
    )
  }
}

/** The limit that Node raises itself to; undefined where /proc is missing or there is none. */
const openFilesLimit = (): number | undefined => {
  try {
    const found = /^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return found === null ? undefined : Number(found[1])
  } catch {
    return undefined
  }
}

const open = async (
  count: number,
  name: string,
  { version }: IdlePlan,
  job: Job,
  meter: Meter,
  progress: (clients: readonly Client[], part: number) => void,
): Promise<readonly Client[]> => {
  const clients: Client[] = []
  await inParallel(Array.from({ length: count }), concurrency, async (_, index) => {
    const client = new Client(job, version, meter, localAddress(index))
    await client.connect(`bench-${name}-${index}`)
    await client.subscribe([`bench/${name}/${index}/value`], 0)
    clients.push(client)
    if (index % 1000 === 0) progress([], clients.length / count)
  })
  progress(clients, 1)
  return clients
}
