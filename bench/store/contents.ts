/** What is in the store that is measured, and the names that the programs of the benchmark have in common. */

export interface Contents {
  /** Persistent sessions that are away, with a subscription of their own. */
  readonly sessions: number
  /** Messages that wait in each of them. Each message is owed to one session. */
  readonly messages: number
  readonly retained: number
  /** The first sessions, which subscribe to `everyoneTopic` as well. */
  readonly receivers: number
  readonly payloadBytes: number
}

export const clientIdOf = (session: number): string => `bench-session-${session}`

/** The topic that one session subscribes to. */
export const ownTopicOf = (session: number): string => `bench/session/${session}`

/** Thousand groups of topics. */
export const retainedTopicOf = (number: number): string => `bench/retained/${number % 1_000}/${number}`

/** The topic that all receivers subscribe to. */
export const everyoneTopic = 'bench/everyone'
