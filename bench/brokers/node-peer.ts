import type { BenchCase } from '../bench-case.ts'
import type { Broker, RunningBroker } from './broker.ts'
import { Child } from './child.ts'

/** A broker in Node that tells its port through the channel to its parent. */
export const nodePeer = (
  name: string,
  description: string,
  file: string,
  lacks: (benchCase: BenchCase) => string | undefined,
  args: readonly string[] = [],
): Broker => ({
  name,
  description,
  lacks: (benchCase) => ((benchCase.transport ?? 'tcp') === 'tcp' ? lacks(benchCase) : 'has TCP alone here'),
  start: async (): Promise<RunningBroker> => {
    const child = new Child(name, process.execPath, [file, ...args], { ipc: true })
    const { port } = await child.message<{ port: number }>()
    return {
      pid: child.process.pid!,
      port,
      output: () => child.output,
      crash: () => child.crash,
      stop: () => child.stop(),
    }
  },
})

/** The reason why the bare relay does not support a case: it only forwards messages at QoS 0 and 1, in one version. */
export const lackOfRelay = ({ plan }: BenchCase): string | undefined => {
  if (plan.kind !== 'load') return undefined
  if (plan.qos > 1) return 'knows no QoS 2'
  if (plan.subscriberVersions.some((version) => version !== plan.publisherVersion)) return 'translates no versions'
  if (plan.churn !== undefined || plan.others !== undefined) return 'is not made for many subscriptions'
  return undefined
}
