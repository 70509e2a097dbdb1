/** What the processes of a run say to each other. */

import type { Fault } from './fault-points.ts'

export type StoreName = 'memory' | 'lmdb'

/** To the broker process. */
export type BrokerRequest =
  | { readonly type: 'reset'; readonly fault: Fault | undefined }
  | { readonly type: 'look'; readonly collect: boolean }
  | { readonly type: 'crowd'; readonly sessions: number }
  | { readonly type: 'stop' }

export interface ListenerPorts {
  readonly tcp: number
  readonly tls: number
  readonly ws: number
}

/** What a reset did. Times are in milliseconds; `fromMs` and `toMs` are those of the system clock. */
export interface ResetResult {
  readonly fromMs: number
  readonly toMs: number
  /** How long the event loop was held at worst meanwhile. */
  readonly holdMs: number
  /** The same for the time since the reset before. */
  readonly holdBeforeMs: number
  /** Whether the fault that was asked for has been made. */
  readonly fired: boolean
  readonly applied: Applied | undefined
  readonly failed: Failed | undefined
}

export interface Applied {
  readonly verdicts: Readonly<Record<string, string>>
  /** The components that were restarted, each with the reasons. */
  readonly restarts: readonly string[]
  readonly loadMs: number
  readonly prepareMs: number
  readonly cutOverMs: number
  /** Connections that the plan closed. */
  readonly closed: number
  readonly repiped: number
  readonly errors: readonly string[]
}

export interface Failed {
  readonly code: string
  readonly message: string
  readonly undoErrors: readonly string[]
}

/** The state of the broker process. */
export interface Look {
  readonly connections: number
  readonly sessions: number
  /** What edited code has noted, by its name. */
  readonly marks: Readonly<Record<string, number>>
  readonly heapBytes: number
  readonly handles: Readonly<Record<string, number>>
  /** Former instances that still exist, by the names of their components. Empty unless garbage was collected. */
  readonly former: Readonly<Record<string, number>>
}

/** To a load process. */
export type LoadRequest = { readonly type: 'begin'; readonly plan: LoadPlan } | { readonly type: 'finish' }

export interface LoadPlan {
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'tls' | 'ws'
  /** Pairs of a publisher and a subscriber. */
  readonly pairs: number
  /** Clients that send their packets byte by byte. */
  readonly byteClients: number
  /** Messages of all pairs in a second. */
  readonly perSecond: number
}

/** From a load process. */
export type LoadEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly published: number; readonly faults: number }
  | { readonly type: 'finished'; readonly result: LoadResult }
  | { readonly type: 'failed'; readonly reason: string }

export interface LoadResult {
  readonly published: number
  readonly delivered: number
  readonly disconnected: number
  /** By QoS. */
  readonly lost: readonly [number, number, number]
  /** By QoS. */
  readonly doubled: readonly [number, number, number]
  readonly reordered: number
  /** Wrong topics, lengths and acknowledgements, and acknowledgements that did not come. */
  readonly wrong: number
  readonly endings: readonly string[]
  /** Of each message: when it was meant to leave, by the system clock, and how long it was under way; in milliseconds. */
  readonly sentAtMs: Float64Array
  readonly latencyMs: Float64Array
}
