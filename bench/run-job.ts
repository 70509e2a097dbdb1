import type { StoreChoice } from './bench-case.ts'
import type { Broker } from './brokers/broker.ts'
import { Child } from './brokers/child.ts'
import { fdatasyncP50Us } from './fdatasync.ts'
import type { Finished, Job, Outcome, Plan, Progress } from './plan.ts'
import type { TransportName } from './transport.ts'

export interface RunOptions {
  readonly broker: Broker
  readonly plan: Plan
  /** TCP unless told otherwise. */
  readonly transport?: TransportName
  /** The compiled load generator. */
  readonly generator: string
  readonly settings: readonly string[]
  readonly store: StoreChoice
  readonly warmUpMs: number
  readonly measureMs: number
  readonly profileFile?: string
  readonly onProgress?: (progress: Progress) => void
}

/**
 * Starts a broker, runs a load against it in a process of its own, and stops both. Errors of these processes are returned, not
 * thrown.
 */
export const runJob = async (options: RunOptions): Promise<Outcome> => {
  const { broker, settings, store, profileFile, transport = 'tcp' } = options
  let running: Awaited<ReturnType<Broker['start']>>
  try {
    running = await broker.start({
      ...{ settings, transport, store },
      ...(profileFile === undefined ? {} : { profileFile }),
    })
  } catch (error) {
    return { status: 'error', reason: (error as Error).message }
  }
  try {
    const { plan, warmUpMs, measureMs } = options
    const target = { host: '127.0.0.1', port: running.port, transport }
    const job: Job = { plan, ...target, brokerPid: running.pid, warmUpMs, measureMs }
    const outcome = await generate(job, options)
    const crash = running.crash()
    if (crash === undefined) return await withFdatasync(outcome, plan, running.dataDirectory)
    return {
      status: 'error',
      reason: `${broker.name} ${crash}\n${running.output().trim().split('\n').slice(-5).join('\n')}`,
    }
  } finally {
    await running.stop()
  }
}

/** A time until the acknowledgement is compared with the disk, as it is at that moment. */
const withFdatasync = async (outcome: Outcome, plan: Plan, directory: string | undefined): Promise<Outcome> => {
  const isCompared = plan.kind === 'load' && plan.sessions === 'absent' && directory !== undefined
  if (!isCompared || outcome.status !== 'measured') return outcome
  return { ...outcome, values: { ...outcome.values, fdatasyncP50Us: await fdatasyncP50Us(directory) } }
}

const generate = async (job: Job, { generator, onProgress }: RunOptions): Promise<Outcome> => {
  const child = new Child('the load generator', process.execPath, [generator], { ipc: true })
  let outcome: Outcome | undefined
  child.process.on('message', (message: Progress | Finished) => {
    if (message.type === 'finished') outcome = message.outcome
    else onProgress?.(message)
  })
  const ended = new Promise<void>((resolve) => {
    child.process.once('exit', () => resolve()).once('error', () => resolve())
  })
  child.process.send(job)
  try {
    await ended
    return outcome ?? { status: 'error', reason: `the load generator ${child.crash}\n${child.output.trim()}` }
  } finally {
    await child.stop()
  }
}
