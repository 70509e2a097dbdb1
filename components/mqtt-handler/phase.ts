/** The state of a client. */
export const Phase = {
  /** No packet has arrived. */
  New: 0,
  /** CONNECT has arrived, and AUTH packets are exchanged, or an authenticator has not answered. */
  Authenticating: 1,
  /** CONNACK waits for the store. */
  Accepted: 2,
  Connected: 3,
  Ended: 4,
} as const
export type Phase = (typeof Phase)[keyof typeof Phase]
