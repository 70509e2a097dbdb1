/** Events since the start, for operators. The component does not use these numbers for decisions. */
export interface HttpAuthenticationCounters {
  /** Clients that were allowed, denied, and passed on since the service said so. */
  allowed: number
  denied: number
  ignored: number
  /** Answers from the cache among these. */
  fromCache: number
  /** Clients that waited for the answer about the same client. */
  joined: number
  /** Requests to the service. */
  requests: number
  /** Requests without an answer: the service does not work. */
  failures: number
  /** Answers that could not be used. */
  unusable: number
  /** Clients that were refused since the breaker was open. */
  refusedOpen: number
  /** Clients that were refused since too many wait, or have waited too long. */
  refusedBusy: number
  /** How often the breaker opened. */
  opened: number
}

export const newHttpAuthenticationCounters = (): HttpAuthenticationCounters => ({
  allowed: 0,
  denied: 0,
  ignored: 0,
  fromCache: 0,
  joined: 0,
  requests: 0,
  failures: 0,
  unusable: 0,
  refusedOpen: 0,
  refusedBusy: 0,
  opened: 0,
})
