import { kind } from '../system/kind.ts'

/**
 * Which process owns a session. Between authentication and the acceptance of a client the broker claims its session: a claim may
 * wait until another process has released the session. The client is not read meanwhile. Without a component of this kind the
 * process owns all sessions.
 *
 * The broker needs this kind without wiring (`all`), so a component of this kind cannot need the broker.
 */
export interface SessionOwnership {
  /**
   * Claims the session of a Client Identifier for this process. If the claim throws or rejects, or is not granted within
   * `connectDeadlineMs` of the packet handler, the client is refused with Server unavailable (0x88).
   * @returns undefined when the claim is granted at once; otherwise a promise that resolves when it is.
   */
  claim(clientId: string): Promise<void> | undefined
}

/** Unique: with two of them, two processes could own one session. */
export const SessionOwnership = kind<SessionOwnership>()('SessionOwnership', { unique: true })
