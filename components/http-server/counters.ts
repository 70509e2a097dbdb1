/** Why a request or a connection was refused before a component saw it. */
export const REFUSAL_REASONS = [
  'connections',
  'address',
  'rate',
  'host',
  'url',
  'body',
  'malformed',
  'pipelined',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** Numbers since the start. They are only for reports. */
export interface HttpCounters {
  /** Requests that were answered, by the first digit of the status: the index. */
  readonly answered: number[]
  readonly refused: Record<RefusalReason, number>
  /** Handlers that failed: their clients got 500. */
  failed: number
}

export const newHttpCounters = (): HttpCounters => ({
  answered: [0, 0, 0, 0, 0, 0],
  refused: { connections: 0, address: 0, rate: 0, host: 0, url: 0, body: 0, malformed: 0, pipelined: 0 },
  failed: 0,
})
