import type { Identity } from '../../src/kinds/authorizer.ts'
import type { SessionRecord, StoredWill } from '../../src/kinds/store.ts'

/** What the record of a session is made of. */
export interface RecordedSession {
  readonly id: string
  readonly owner: string | undefined
  readonly identity: Identity
  readonly expiryIntervalSeconds: number
  readonly disconnectedAtMs: number | undefined
  readonly will: { readonly stored: StoredWill | undefined }
}

/** The record of a session as it is now. */
export const recordOf = (session: RecordedSession): SessionRecord => {
  const { id, owner, identity, expiryIntervalSeconds, disconnectedAtMs, will } = session
  return {
    id,
    userName: owner,
    claimedUserName: owner === undefined ? identity.userName : undefined,
    attributes: identity.attributes,
    peer: identity.peer,
    expiryIntervalSeconds,
    disconnectedAtMs,
    will: will.stored,
  }
}
