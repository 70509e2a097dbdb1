import type { MetricName } from './metrics.ts'
import type { Plan } from './plan.ts'

/** Something to measure, with every broker that can do it. */
export interface BenchCase {
  readonly name: string
  /** One line: what happens. */
  readonly summary: string
  readonly plan: Plan
  /** What brokers are compared by. */
  readonly headlines: readonly MetricName[]
  /** The same with less: our broker is compared with itself besides. */
  readonly baseline?: { readonly name: string; readonly plan: Plan }
  /** Values of our broker's config that the case needs; none is there to make it faster. */
  readonly settings?: readonly string[]
  /** Only these peers are compared; all that can do it unless told otherwise. */
  readonly peers?: readonly string[]
  /** Runs when it is asked for by name, not in a run of everything. */
  readonly onRequest?: boolean
  /** Measured for so long, in seconds, unless the command line says otherwise. */
  readonly seconds?: number
  /** Loaded for so long before that, in seconds, unless the command line says otherwise. */
  readonly warmUpSeconds?: number
  /** Less of the same, which checks delivery in less than a second; without it the case is not part of `--check`. */
  readonly check?: Plan
}
