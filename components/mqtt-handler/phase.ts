/** How far a client has come. */
export const Phase = {
  /** Nothing came yet. */
  New: 0,
  /** CONNECT came, and AUTH packets go back and forth. */
  Authenticating: 1,
  /** CONNACK is on its way, and waits for the store. */
  Accepted: 2,
  Connected: 3,
  Ended: 4,
} as const
export type Phase = (typeof Phase)[keyof typeof Phase]
