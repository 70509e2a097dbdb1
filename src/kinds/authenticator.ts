import type { ReasonCode } from '../mqtt/reason-code.ts'
import { kind } from '../system/kind.ts'
import type { Identity, IdentityAttributes } from './identity.ts'
import type { Peer } from './peer.ts'
import type { UserDirectory } from './user-directory.ts'

/**
 * Checks the User Name and Password of CONNECT, a token, a client certificate. The handler asks the authenticators of a listener
 * in their order. The first that allows or denies the client decides; one that does not know the client passes. A client that
 * every authenticator passed is refused, except an anonymous one on a listener with `allowAnonymous`.
 */
export interface Authenticator {
  /** The name of the component. Listeners name the authenticators that they use. */
  readonly name: string
  /**
   * Decides on a client. Nothing else of the client is read until the answer, for at most `connectDeadlineMs`. A rejection or an
   * exception is logged and refuses the client: an authenticator that fails never accepts a client.
   * @param credentials lent until the answer. The password must not be kept: its bytes are overwritten after the answer, and when
   * the answer is too late.
   */
  authenticate(credentials: Credentials): AuthenticationAnswer | Promise<AuthenticationAnswer>
  /**
   * Whether an identity that this authenticator allowed would still be allowed, with what it knows now and without the password.
   * Asked for each of its connected clients after the listener of `onRevocation` was called. A client that is no longer accepted is
   * disconnected with Not authorized (0x87). Left out when nothing is ever revoked.
   */
  accepts?(identity: AuthenticatedIdentity): boolean
  /**
   * Adds a function that is called when clients may have lost their right to be connected: a user was removed, a password was
   * changed, a list of revoked certificates was read. Each handler that uses the authenticator adds one.
   * @returns removes it.
   */
  onRevocation?(listener: () => void): () => void
  /** Whether a User Name may be a secret, such as a token. Then no User Name of CONNECT is logged, only what was proven. */
  readonly hidesUserNames?: boolean
  /** The users, if this component can add and delete them. */
  readonly users?: UserDirectory
}

export const Authenticator = kind<Authenticator>()('Authenticator', { stateless: true })

/** The credentials in the CONNECT of a client. Nothing of them is proven, except `peer.tls`. */
export interface Credentials {
  readonly clientId: string
  /** undefined when CONNECT has none. */
  readonly userName: string | undefined
  /** undefined when CONNECT has none. */
  readonly password: Uint8Array | undefined
  readonly peer: Peer
}

/** An identity as an authenticator allowed it. */
export type AuthenticatedIdentity = Identity

export type AuthenticationAnswer =
  | {
      readonly result: 'allow'
      /** The user that the client proved to be; undefined for an anonymous client. It owns the session. */
      readonly userName: string | undefined
      readonly attributes?: IdentityAttributes | undefined
      /** When the connection ends, in milliseconds since 1970: Maximum connect time (0xA0). Left out: never. */
      readonly expiresAtMs?: number | undefined
    }
  | {
      readonly result: 'deny'
      /** For the log, never for the client. */
      readonly why: string
      /** Bad User Name or Password (0x86) when it is left out. */
      readonly reasonCode?: ReasonCode | undefined
    }
  | { readonly result: 'pass' }
