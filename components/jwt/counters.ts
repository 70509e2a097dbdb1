/** Events since the start, for operators. The component does not use these numbers for decisions. */
export interface JwtCounters {
  /** Clients whose token was right. */
  allowed: number
  /** Clients without a token, passed on. */
  passed: number
  /** Clients whose token was not signed by a key that is trusted. */
  badSignatures: number
  /** Clients whose token has expired, or is not valid yet. */
  badTimes: number
  /** Clients whose token is for another audience, by another issuer, or lacks what it must have. */
  badClaims: number
  /** Clients that were refused because the keys could not be fetched. */
  withoutKeys: number
  /** Clients that were refused because too many tokens are checked. */
  refusedBusy: number
  /** How often keys were read or fetched, and taken over. */
  loads: number
  /** How often that failed while the component ran. */
  failedLoads: number
}

export const newJwtCounters = (): JwtCounters => ({
  allowed: 0,
  passed: 0,
  badSignatures: 0,
  badTimes: 0,
  badClaims: 0,
  withoutKeys: 0,
  refusedBusy: 0,
  loads: 0,
  failedLoads: 0,
})
