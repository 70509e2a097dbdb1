import type { Logger } from '../../src/kinds/logger.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { InputOwner } from './connection-input.ts'
import type { EndOfTurn } from './end-of-turn.ts'
import type { Gathered } from './gathered.ts'
import type { SharedInput } from './shared-input.ts'
import type { WriteBudget } from './write-budget.ts'

/** What the connections of a server share. */
export interface ConnectionOwner<C> extends InputOwner {
  readonly log: Logger
  readonly endOfTurn: EndOfTurn
  /** What goes out in a turn. */
  readonly writes: WriteBudget
  /** Memory for what comes in and for what goes out. */
  readonly pool: BufferPool
  /** What connections read into. */
  readonly input: SharedInput
  /** Empty ones, for connections that have something to write. */
  readonly gathered: Gathered[]
  /** Bytes pending that make a connection congested. */
  readonly maximumPendingBytes: number
  /** How long a peer may take to close its side, in milliseconds, before it is cut off. */
  readonly closeDeadlineMs: number
  /** Called once, when the connection is not open any more: its place is free. */
  ended(): void
  /** Called once, when the socket is closed and every stage knows. */
  gone(connection: C): void
}
