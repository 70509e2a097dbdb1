import { join } from 'node:path'
import { readProcessUsage } from '../process-usage.ts'
import type { BrokerProcess } from './broker-process.ts'
import { type Contents, clientIdOf } from './contents.ts'
import { memoryOf, type ResidentMemory } from './memory-of.ts'

/** How far a process has come: since its start, in milliseconds. */
export interface Moment {
  readonly cpuMs: number
  readonly wallMs: number
}

export interface StartReport {
  /** The first client has its CONNACK, with Session Present 1. */
  readonly ready: Moment
  /** All retained messages are restored. */
  readonly complete: Moment
  /** At this moment; undefined where there is no /proc. */
  readonly memory: ResidentMemory | undefined
  /** The longest hold of the event loop between the two moments, in milliseconds. */
  readonly longestHoldMs: number
}

/**
 * Follows a broker from its start until everything is restored.
 * @param begin of the process, on the clock of `performance.now`. @param store the directory of its store.
 * @throws Error when something of the store is missing.
 */
export const measureStart = async (
  broker: BrokerProcess,
  begin: number,
  store: string,
  contents: Contents,
): Promise<StartReport> => {
  const moment = (): Moment => {
    const usage = readProcessUsage(broker.pid)
    const cpuMs = usage === undefined ? Number.NaN : usage.userMs + usage.systemMs
    return { cpuMs, wallMs: performance.now() - begin }
  }
  const connect = async () => {
    const isPresent = await broker.connectWhenReady(clientIdOf(contents.sessions - 1))
    const ready = moment()
    if (!isPresent) throw new Error('The session of the first client was not restored.')
    await broker.watchLoop()
    return ready
  }
  const restore = async () => {
    const restored = await broker.retainedRestored()
    const complete = moment()
    if (restored !== contents.retained) throw new Error(`${restored} retained messages were restored.`)
    return { complete, memory: memoryOf(broker.pid, join(store, 'data.mdb')) }
  }
  const [ready, restored] = await Promise.all([connect(), restore()])
  return { ready, ...restored, longestHoldMs: await broker.longestHold() }
}
