import type { ConnectionEnd } from '../../src/kinds/connection.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import type { InputOwner } from './connection-input.ts'
import type { OutputOwner } from './connection-output.ts'
import type { EndOfTurn } from './end-of-turn.ts'
import type { SharedInput } from './shared-input.ts'

/** What the connections of a server share. */
export interface ConnectionOwner<C> extends InputOwner, OutputOwner {
  readonly log: Logger
  readonly endOfTurn: EndOfTurn
  /** What connections read into. */
  readonly input: SharedInput
  /** How long a peer may take to close its side, in milliseconds, before it is cut off. */
  readonly closeDeadlineMs: number
  /** A client on a connection from this peer failed to authenticate. */
  failedAuthentication(peer: Peer): void
  /** Whether connections from this peer are refused because of a ban. */
  isBanned(peer: Peer): boolean
  /** Called once, when the connection is not open any more: its place is free. */
  ended(connection: C, by: ConnectionEnd['by']): void
  /** Called once, when the socket is closed and every stage knows. */
  gone(connection: C): void
}
