/** Brokers that are compared, each started as a process of its own. */

import type { BenchCase } from '../bench-case.ts'

export interface StartOptions {
  /** Settings that a case needs of our broker, like `server.maximumPendingBytes=16777216`. */
  readonly settings: readonly string[]
  /** Where to leave a CPU profile; only our broker can. */
  readonly profileFile?: string
}

/** A broker that can be started. */
export interface Broker {
  /** How tables call it. */
  readonly name: string
  /** With its version, for the results. */
  readonly description: string
  /** Why it cannot run a case; undefined when it can. */
  lacks(benchCase: BenchCase): string | undefined
  /** @throws Error when it does not start, with what it said. */
  start(options: StartOptions): Promise<RunningBroker>
}

export interface RunningBroker {
  readonly pid: number
  readonly port: number
  /** What it wrote on its standard error and output, the last of it. */
  output(): string
  /** Whether it ended by itself, and how. */
  crash(): string | undefined
  stop(): Promise<void>
}
