/**
 * Which process owns a session. Between authentication and the acceptance of a client its session is claimed: a claim may wait
 * until another process has given the session up.
 */
export interface Ownership {
  /**
   * Claims the session of a Client Identifier for this process. Rejects when that is not possible.
   * @returns undefined when the claim is granted at once.
   */
  claim(clientId: string): Promise<void> | undefined
}

/** For a single process: every claim is granted at once. */
export const localOwnership: Ownership = { claim: () => undefined }
