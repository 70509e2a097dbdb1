/** The messages between the runner and the load generator: plain data, since they are separate processes. */

import type { TransportName } from './transport.ts'

export type Version = 4 | 5
export type Qos = 0 | 1 | 2

/** The rate of publishing. */
export type Pace =
  /** Closed loop: so many messages of each publisher are on their way at any time. Finds what a broker can carry. */
  | { readonly mode: 'window'; readonly messages: number }
  /**
   * Open loop: so many messages a second, of all publishers together, at times fixed beforehand. Latency counts from that time,
   * whether or not the message could be sent then: a stall of the broker counts for all messages that had to wait.
   */
  | { readonly mode: 'rate'; readonly perSecond: number }

/** Messages from publishers to subscribers. Every message of a group goes to all subscribers of that group. */
export interface LoadPlan {
  readonly kind: 'load'

  // Who.
  readonly groups: number
  /** Publishers in each group. */
  readonly publishers: number
  /** Subscribers in each group. */
  readonly subscribers: number
  readonly publisherVersion: Version
  /** Versions of a group's subscribers, which take turns. */
  readonly subscriberVersions: readonly Version[]

  // What.
  readonly qos: Qos
  /** At least `STAMP_BYTES`. */
  readonly payloadBytes: number
  /** Topics that a publisher goes through before one comes again. */
  readonly topics: number
  /** User Properties in each PUBLISH; of version 5 alone. */
  readonly userProperties: number

  readonly pace: Pace
  /** How many deliveries are measured; without it as many as there are in `Job.measureMs`. */
  readonly deliveries?: number

  /**
   * The subscribers' sessions outlive their connections, so that the broker owes them what it has taken. `absent` subscribers
   * disconnect before the load: nothing is delivered, and what counts is when the publishers get their acknowledgements.
   */
  readonly sessions?: 'persistent' | 'absent'

  /** Subscriptions of others, that no message matches. */
  readonly others?: { readonly clients: number; readonly subscriptions: number }
  /** SUBSCRIBE and UNSUBSCRIBE packets of others a second, while the load runs. */
  readonly churn?: { readonly clients: number; readonly perSecond: number }
}

/** Connections that do nothing, each with one subscription. */
export interface IdlePlan {
  readonly kind: 'idle'
  readonly connections: number
  readonly version: Version
}

/** Connections that are opened, accepted and closed repeatedly. */
export interface ConnectPlan {
  readonly kind: 'connect'
  /** Connections under way at any time. */
  readonly concurrency: number
  readonly version: Version
  /** How often; without it as long as is measured. */
  readonly cycles?: number
}

/** Connections that are all open at the same time: opened, half of them with a subscription, then closed. */
export interface CrowdPlan {
  readonly kind: 'crowd'
  readonly clients: number
  /** Connections opened and closed before: the engine compiles what connections need meanwhile. */
  readonly warmUpClients: number
  readonly version: Version
}

export type Plan = LoadPlan | IdlePlan | ConnectPlan | CrowdPlan

/** One run of the load generator. */
export interface Job {
  readonly plan: Plan
  readonly host: string
  readonly port: number
  readonly transport: TransportName
  readonly brokerPid: number
  /** Load before anything is measured. */
  readonly warmUpMs: number
  readonly measureMs: number
}

/** The faults of the deliveries. Any count above 0 is a fault. */
export interface Faults {
  /** Deliveries that never came. */
  lost: number
  /** Deliveries that came again. */
  duplicated: number
  /** Deliveries that came after a later one of the same publisher. */
  reordered: number
  /** Deliveries to a wrong client, or of unknown messages. */
  misrouted: number
  /** Deliveries of another length than what was sent. */
  damaged: number
  /** Acknowledgements of what was not waiting for one, and those with a Reason Code of 0x80 or above. */
  wrongAcknowledgements: number
  /** Acknowledgements (also of SUBSCRIBE, UNSUBSCRIBE, PINGREQ) that never came. */
  missingAcknowledgements: number
  /** Connections that the broker ended. */
  disconnected: number
  /** Connections that could not be opened again. */
  notConnected: number
}

export const noFaults = (): Faults => ({
  lost: 0,
  duplicated: 0,
  reordered: 0,
  misrouted: 0,
  damaged: 0,
  wrongAcknowledgements: 0,
  missingAcknowledgements: 0,
  disconnected: 0,
  notConnected: 0,
})

/** Measured values by the names that `metrics.ts` explains; those that could not be measured are missing. */
export type Values = Readonly<Record<string, number>>

export type Outcome =
  | {
      readonly status: 'measured'
      readonly values: Values
      readonly faults: Faults
      /** Reasons to doubt the values. */
      readonly warnings: readonly string[]
    }
  /** The broker has refused a request of the plan. */
  | { readonly status: 'refused'; readonly reason: string }
  /** The run could not be made. */
  | { readonly status: 'error'; readonly reason: string }

/** Progress messages of the generator. */
export type Progress = { readonly type: 'progress'; readonly phase: string; readonly part: number }
export type Finished = { readonly type: 'finished'; readonly outcome: Outcome }
