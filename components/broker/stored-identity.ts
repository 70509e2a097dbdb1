import type { Identity } from '../../src/kinds/identity.ts'
import { UNKNOWN_PEER } from '../../src/kinds/peer.ts'
import type { SessionRecord } from '../../src/kinds/store.ts'

/** A client as the records of the store have it, apart from its Client Identifier. */
type StoredIdentity = Pick<SessionRecord, 'userName' | 'claimedUserName' | 'attributes' | 'peer'>

/**
 * What the store keeps of an identity, apart from its peer.
 * @param owner the user that an authenticator has proved. Without one, the user name of the identity is only claimed.
 */
export const storedIdentity = (
  { userName, attributes }: Identity,
  owner: string | undefined,
): Omit<StoredIdentity, 'peer'> => ({
  userName: owner,
  claimedUserName: owner === undefined ? userName : undefined,
  attributes,
})

/** The identity in a record of the store. */
export const restoredIdentity = (
  clientId: string,
  { userName, claimedUserName, attributes, peer = UNKNOWN_PEER }: StoredIdentity,
): Identity => ({ clientId, userName: userName ?? claimedUserName, peer, attributes })
