import type { Identity } from '../../src/kinds/authorizer.ts'
import type { SessionRecord, StoredWill } from '../../src/kinds/store.ts'
import { storedIdentity } from './stored-identity.ts'

/** The parts of a session that its record has. */
export interface RecordedSession {
  readonly id: string
  readonly owner: string | undefined
  readonly identity: Identity
  readonly expiryIntervalSeconds: number
  readonly disconnectedAtMs: number | undefined
  readonly will: { readonly stored: StoredWill | undefined }
}

/** The record of a session that outlives its connection, as the store keeps it. */
export const recordOf = (session: RecordedSession): SessionRecord => ({
  id: session.id,
  ...storedIdentity(session.identity, session.owner),
  peer: session.identity.peer,
  expiryIntervalSeconds: session.expiryIntervalSeconds,
  disconnectedAtMs: session.disconnectedAtMs,
  will: session.will.stored,
})
