import type { ReasonCode } from '../mqtt/reason-code.ts'
import { kind } from '../system/kind.ts'
import type { Peer } from './peer.ts'

/**
 * A method of enhanced authentication (section 4.12): client and server exchange AUTH packets until the server accepts or
 * refuses the client. A client chooses it by its name in CONNECT.
 */
export interface AuthenticationMethod {
  /** The Authentication Method as the client writes it: `SCRAM-SHA-256`. Unique among the methods of a broker. */
  readonly name: string
  /** Begins the exchange of one connection, also for a re-authentication. */
  begin(client: AuthenticatingClient): AuthenticationExchange
  /**
   * Whether it would still accept this user. Asked when an exchange succeeds that another instance of the method has begun, which a reset
   * has replaced. Left out when nothing is ever revoked.
   */
  knows?(userName: string): boolean
}

export const AuthenticationMethod = kind<AuthenticationMethod>()('AuthenticationMethod', { stateless: true })

/** Unverified data about a client before it is authenticated. */
export interface AuthenticatingClient {
  readonly clientId: string
  /** From CONNECT; undefined when it has none. */
  readonly userName: string | undefined
  /** Where its connection comes from. */
  readonly peer: Peer
}

export interface AuthenticationExchange {
  /**
   * Takes the Authentication Data of the client's packet and returns the next step. The client is not read until it has
   * answered. A rejection or exception counts as a failure of the server (0x80) and is logged.
   * @param data undefined when the packet has none. Lent until the answer.
   */
  step(data: Uint8Array | undefined): AuthenticationStep | Promise<AuthenticationStep>
}

export type AuthenticationStep =
  /** AUTH with 0x18 and this data: another step follows. */
  | { readonly result: 'continue'; readonly data: Uint8Array }
  /** The client is authenticated. The data, if any, goes into CONNACK, or AUTH with 0x00. */
  | { readonly result: 'success'; readonly userName: string; readonly data?: Uint8Array }
  /**
   * The client is refused: CONNACK or DISCONNECT with this Reason Code. It must be valid in both packets, such as 0x87, not
   * 0x86. @property why for the log, never for the client.
   */
  | { readonly result: 'failure'; readonly reasonCode: ReasonCode; readonly why: string }
