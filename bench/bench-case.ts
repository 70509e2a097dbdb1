import type { MetricName } from './metrics.ts'
import type { Plan } from './plan.ts'
import type { TransportName } from './transport.ts'

/** A durability of `store-lmdb`, or the store in memory. */
export type StoreChoice = 'memory' | 'commit' | 'buffered'

/** A case to measure, with every broker that supports it. */
export interface BenchCase {
  readonly name: string
  /** One line: what happens. */
  readonly summary: string
  readonly plan: Plan
  /** What the clients connect by. Default: TCP. */
  readonly transport?: TransportName
  /** The metrics that brokers are compared by. */
  readonly headlines: readonly MetricName[]
  /** The same case with less load. Our broker is also compared with itself. */
  readonly baseline?: { readonly name: string; readonly plan: Plan; readonly store?: StoreChoice }
  /** Values of our broker's config that the case needs; none only makes it faster. */
  readonly settings?: readonly string[]
  /** The store of our broker, in a temporary directory; the one in memory by default. The others run as always. */
  readonly store?: StoreChoice
  /** Only these peers are compared. Default: all that support the case. */
  readonly peers?: readonly string[]
  /** Runs only if it is named, not in a run of everything. */
  readonly onRequest?: boolean
  /** The default time of measuring, in seconds. */
  readonly seconds?: number
  /** The default time of load before that, in seconds. */
  readonly warmUpSeconds?: number
  /** A smaller plan that checks delivery in less than a second. Without it the case is not part of `--check`. */
  readonly check?: Plan
}

/** A case for the memory of our broker under a long load. It runs only if it is named. */
export const soakCase = (load: Pick<BenchCase, 'name' | 'summary' | 'plan' | 'seconds'>): BenchCase => ({
  ...load,
  headlines: ['rssSlopeBytesPerMinute', 'rssPeakBytes'],
  peers: [],
  onRequest: true,
})
