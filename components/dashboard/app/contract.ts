/** The answers of the admin API, as far as the dashboard reads them. */

/** A page of a list. */
export interface Page<T> {
  readonly items: readonly T[]
  /** What `after` gets the next page with; null on the last one. */
  readonly next: string | null
  /** How many there are in all pages. */
  readonly total: number
}

/** A list that has one page. */
export interface List<T> {
  readonly items: readonly T[]
}

export interface Overview {
  readonly version: string
  readonly nodeVersion: string
  readonly startedAtMs: number
  readonly uptimeSeconds: number
  readonly state: string
  readonly clients: number
  readonly sessions: number
  readonly subscriptions: number
  readonly retained: number
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number }
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number }
  /** The measures of the components: `server.received`, `mqttHandler.received_publish{qos="1"}`. */
  readonly counters: Readonly<Record<string, number>>
}

export interface ClientSummary {
  readonly id: string
  readonly userName?: string | undefined
  readonly address: string
  readonly listener: string
  readonly transport: string
  readonly protocolVersion: number | string
  readonly connectedAtMs: number
  readonly keepAliveSeconds: number
  readonly pendingBytes: number
  readonly bytesReceived: number
  readonly subscriptions: number
  readonly inflight: number
  readonly waiting: number
}

export interface ClientDetail extends ClientSummary {
  readonly session: {
    readonly subscriptions: readonly { readonly filter: string; readonly qos: number }[]
    readonly expiryIntervalSeconds: number
    readonly inflight: number
    readonly waiting: number
    readonly hasWill: boolean
  }
}

/** A session in the list. */
export interface SessionSummary {
  readonly id: string
  readonly userName?: string | undefined
  readonly connected: boolean
  /** 4294967295: it never ends. */
  readonly expiryIntervalSeconds: number
  /** Undefined while its client is connected. */
  readonly disconnectedAtMs?: number | undefined
  readonly subscriptions: number
  readonly inflight: number
  readonly waiting: number
  readonly hasWill: boolean
}

export interface SessionDetail extends Omit<SessionSummary, 'subscriptions'> {
  readonly subscriptions: readonly { readonly filter: string; readonly qos: number }[]
}

/** What became of a message that was published. */
export interface Published {
  readonly reasonCode: number
  readonly reason: string
  readonly subscribers: number
}

/** A user that clients can authenticate as. */
export interface User {
  readonly name: string
}

export interface Payload {
  readonly base64: string
  /** The payload as text, if it is UTF-8. */
  readonly text?: string | undefined
  /** Of the whole payload. */
  readonly bytes: number
  /** There is more than `base64` has. */
  readonly isCut?: boolean | undefined
}

export interface TopicLevel {
  /** The level itself; may be empty. */
  readonly level: string
  /** The topic from the first level to this one. */
  readonly topic: string
  /** Levels directly below it. */
  readonly children: number
  readonly payload?: Payload | undefined
  readonly qos?: number | undefined
}

export interface RetainedMessage {
  readonly topic: string
  readonly payload: Payload
  readonly qos: number
  /** Undefined if it does not expire. */
  readonly expiresAtMs?: number | undefined
}

export interface ComponentItem {
  readonly name: string
  readonly kind: string
  readonly state: string
  readonly description?: string | undefined
  readonly startMs?: number | undefined
  readonly blockedBy: readonly string[]
  readonly unready?: string | undefined
  readonly error?: string | undefined
}

export interface GraphNode {
  readonly name: string
  readonly kind?: string | undefined
  readonly variant?: string | undefined
  readonly description?: string | undefined
  readonly enabled: boolean
  readonly state?: string | undefined
  readonly unready?: string | undefined
  readonly error?: string | undefined
  readonly blockedBy: readonly string[]
  /** What a plan that is not applied yet would do to it: the dashboard adds it. */
  readonly planned?: Pick<PlannedPart, 'verdict' | 'reasons'> | undefined
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
  readonly role: string
  readonly index?: number | undefined
  readonly active: boolean
  readonly problem?: string | undefined
  /** Messages per second, where the broker knows it. */
  readonly rate?: number | undefined
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

export type Verdict = 'keep' | 'adjust' | 'swap' | 'restart' | 'start' | 'stop'

/** What a reload does to a component. */
export interface PlannedPart {
  readonly name: string
  readonly kind: string
  readonly verdict: Verdict
  /** Empty for `keep`. */
  readonly reasons: readonly string[]
}

/** What a reload does to the connections of a listener. */
export interface PlannedConnections {
  readonly listener: string
  readonly keptUntouched: number
  /** Kept, with pipelines that are opened anew. */
  readonly repiped: number
  readonly closed: number
}

export interface ResetPlan {
  readonly parts: readonly PlannedPart[]
  readonly connections: readonly PlannedConnections[]
}

/** What a reload would do. */
export interface CheckedPlan extends ResetPlan {
  /** Why the broker will refuse it; empty if it may be applied. */
  readonly refusals: readonly string[]
}

/** What a reload did. */
export interface Reload {
  /** Missing if the program cannot read its config again. */
  readonly plan?: ResetPlan | undefined
  readonly ms?: number | undefined
  /** How long the broker did nothing else. */
  readonly cutOverMs?: number | undefined
  /** Components that read their files again; with an error they continue with what they had. */
  readonly items: readonly {
    readonly name: string
    readonly change?: string | undefined
    readonly error?: string | undefined
  }[]
}

export interface ListenerItem {
  readonly name: string
  readonly transport: string
  readonly address: string
  readonly connections: number
  readonly accepted?: number | undefined
  readonly refused?: number | undefined
  /** Days until the certificate expires. */
  readonly certificateDays?: number | undefined
}

export interface Ban {
  readonly address: string
  readonly untilMs: number
  readonly byOperator: boolean
}

export interface LogEntry {
  /** Counts the lines since the start of the broker. */
  readonly number: number
  readonly timeMs: number
  readonly level: string
  readonly component?: string | undefined
  readonly message: string
}

export interface Trace {
  readonly id: string
}

export interface TraceLine {
  readonly timeMs: number
  readonly text: string
}
