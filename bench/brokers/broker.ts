/** Brokers that are compared, each started as a process of its own. */

import type { BenchCase, StoreChoice } from '../bench-case.ts'
import type { TransportName } from '../transport.ts'

export interface StartOptions {
  /** Settings that a case needs of our broker, like `server.maximumPendingBytes=16777216`. */
  readonly settings: readonly string[]
  /** What clients connect by; TCP unless told otherwise. */
  readonly transport?: TransportName
  /** The store of our broker, the one in memory by default; other brokers take no notice. */
  readonly store?: StoreChoice
  /** The file for a CPU profile. Only our broker supports it. */
  readonly profileFile?: string
}

/** A broker that can be started. */
export interface Broker {
  /** Its name in tables. */
  readonly name: string
  /** With its version, for the results. */
  readonly description: string
  /** Why it cannot run a case; undefined when it can. */
  lacks(benchCase: BenchCase): string | undefined
  /** @throws Error with its output if it does not start. */
  start(options: StartOptions): Promise<RunningBroker>
}

export interface RunningBroker {
  readonly pid: number
  /** Where the transport that was asked for listens. */
  readonly port: number
  /** Where it keeps its state, if that is in files. */
  readonly dataDirectory?: string
  /** The end of its standard error and output. */
  output(): string
  /** Whether it ended by itself, and how. */
  crash(): string | undefined
  stop(): Promise<void>
}
