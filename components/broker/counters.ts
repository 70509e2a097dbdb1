/** Events since the start, for operators. The broker does not use these numbers for decisions. */
export interface BrokerCounters {
  /** Messages at QoS 2 without DUP whose Packet Identifier was not released: their clients had lost their state. */
  reusedIdentifiers: number
  /** Messages at QoS 1 and 2 that were dropped because the queue of a session was full. */
  dropped: number
  /** Dropped messages whose publisher got Quota exceeded (0x97). */
  refused: number
  /** Messages that expired while they waited for a session. */
  expired: number
  /** Retained messages whose Message Expiry Interval was over. */
  expiredRetained: number
  /** Will Messages that were not accepted when they were due. */
  refusedWills: number
  /** Connections that were closed because another client connected with the same Client Identifier. */
  takeovers: number
  /** Clients that were refused because their session would be new and the store could not write. */
  unstoredSessions: number
  /** How often the store did not keep pace, and how often it could not write. */
  storeSlow: number
  storeStuck: number
  /** Sessions whose Session Expiry Interval was over. */
  expiredSessions: number
  /** Sessions that held nothing and were ended early to make room for a new one. */
  givenUpSessions: number
  /** Messages that were passed on over several turns of the event loop. */
  dividedPublishes: number
  /** Subscriptions that were refused because the filters of a client have too many levels. */
  refusedWildcardLevels: number
  /** Messages and Wills that their client may not publish. A Will is asked about when it is announced and when it is due. */
  deniedPublishes: number
  /** Subscriptions that were refused because their client may not subscribe. */
  deniedSubscribes: number
  /** Subscriptions that were ended because they are not allowed any more. */
  endedSubscriptions: number
}

export const newBrokerCounters = (): BrokerCounters => ({
  reusedIdentifiers: 0,
  dropped: 0,
  refused: 0,
  expired: 0,
  expiredRetained: 0,
  refusedWills: 0,
  takeovers: 0,
  unstoredSessions: 0,
  storeSlow: 0,
  storeStuck: 0,
  expiredSessions: 0,
  givenUpSessions: 0,
  dividedPublishes: 0,
  refusedWildcardLevels: 0,
  deniedPublishes: 0,
  deniedSubscribes: 0,
  endedSubscriptions: 0,
})
