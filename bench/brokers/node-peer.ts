import type { BenchCase } from '../bench-case.ts'
import { certificateFiles } from '../certificate-files.ts'
import { removeTemporaryDirectory, temporaryDirectory } from '../temporary.ts'
import type { Broker, RunningBroker } from './broker.ts'
import { Child } from './child.ts'

export interface NodePeerOptions {
  readonly args?: readonly string[]
  /** Whether it serves TLS with the arguments `--cert FILE --key FILE`. */
  readonly hasTls?: boolean
}

/** A broker in Node that tells its port through the channel to its parent. */
export const nodePeer = (
  name: string,
  description: string,
  file: string,
  lacks: (benchCase: BenchCase) => string | undefined,
  { args = [], hasTls = false }: NodePeerOptions = {},
): Broker => ({
  name,
  description,
  lacks: (benchCase) => {
    const { transport = 'tcp' } = benchCase
    if (transport === 'tcp' || (transport === 'tls' && hasTls)) return lacks(benchCase)
    return hasTls ? 'has TCP and TLS alone here' : 'has TCP alone here'
  },
  start: async ({ transport }): Promise<RunningBroker> => {
    const directory = temporaryDirectory()
    const { cert, key } = await certificateFiles(directory)
    const files = transport === 'tls' ? ['--cert', cert, '--key', key] : []
    const child = new Child(name, process.execPath, [file, ...args, ...files], { ipc: true })
    const { port } = await child.message<{ port: number }>()
    return {
      pid: child.process.pid!,
      port,
      output: () => child.output,
      crash: () => child.crash,
      stop: async () => {
        await child.stop()
        removeTemporaryDirectory(directory)
      },
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
