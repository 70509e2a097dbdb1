import { z } from 'zod'
import type { Peer } from './peer.ts'
import { topicRule } from './topic-rule.ts'

/** The identity of a client, for authorization. The same object while the identity stays the same. */
export interface Identity {
  readonly clientId: string
  /**
   * The user that authentication found, else the User Name of the CONNECT packet, which is not verified. Undefined if there is
   * none.
   */
  readonly userName: string | undefined
  /** The peer of its connection. For a stored session: the peer of its last connection. */
  readonly peer: Peer
  /** What the authenticator found out about the client besides its name. */
  readonly attributes?: IdentityAttributes | undefined
}

/** Plain data: it is stored with the session, for the authorization of its Will. */
export const identityAttributes = z.strictObject({
  /** No authorizer is asked: the client may do everything. */
  isSuperuser: z.boolean().optional(),
  /** Groups of the user, for rules that name one. */
  groups: z.array(z.string()).optional(),
  /** Further texts by name, such as the claims of a token. A rule uses one by `%{name}`. */
  values: z.record(z.string(), z.string()).optional(),
  /** Rules for this client alone. They decide before those of the authorizers. */
  rules: z.array(topicRule).optional(),
})

export type IdentityAttributes = Readonly<z.output<typeof identityAttributes>>
