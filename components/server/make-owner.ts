import type { ConnectionCounters } from '../../src/kinds/listener.ts'
import type { Logger } from '../../src/kinds/logger.ts'
import { BufferPool, type Pool } from './buffer-pool.ts'
import type { ServerConfig } from './config.ts'
import type { StreamConnection } from './connection.ts'
import type { ConnectionOwner } from './connection-owner.ts'
import { EndOfTurn } from './end-of-turn.ts'
import { SharedInput } from './shared-input.ts'
import { SlowReaders } from './slow-readers.ts'
import { TotalPendingBytes, type TotalRecord } from './total-pending-bytes.ts'
import { type BudgetRecord, TurnBudget } from './turn-budget.ts'
import { WriteBudget } from './write-budget.ts'
import { WriteScratch } from './write-scratch.ts'

/** The part of its units that the first turn has: nothing is compiled yet. */
const FIRST_PART = 1 / 8

/** What the connections of a core share. */
export interface CoreOwner extends ConnectionOwner<StreamConnection> {
  readonly slowReaders: SlowReaders
  // The values of the config that may change.
  maximumPendingBytes: number
  closeDeadlineMs: number
}

/** What the core does for its connections. */
export type OwnerCalls = Pick<CoreOwner, 'failedAuthentication' | 'isBanned' | 'ended' | 'gone'>

/** @param connections all current ones. */
export const makeOwner = (
  config: ServerConfig,
  counters: ConnectionCounters,
  log: Logger,
  connections: Iterable<StreamConnection>,
  calls: OwnerCalls,
): CoreOwner => {
  const endOfTurn = new EndOfTurn()
  const pool = new BufferPool()
  const slowReaders = new SlowReaders(connections, config.stalledDeadlineMs, counters, log)
  return {
    log,
    slowReaders,
    endOfTurn,
    totalPendingBytes: new TotalPendingBytes(config.maximumTotalPendingBytes, log, {
      deadlineMs: config.stalledDeadlineMs,
      minimumDeadlineMs: config.minimumStalledDeadlineMs,
      relieve: (bytes, waitedMs) => slowReaders.relieve(bytes, waitedMs),
      relieveAtOnce: (bytes) => slowReaders.relieveAtOnce(bytes),
    }),
    budget: new TurnBudget(config.turnWorkUnits, endOfTurn, log, config.turnWorkUnits * FIRST_PART),
    writes: new WriteBudget(endOfTurn),
    pool,
    input: new SharedInput(pool, endOfTurn),
    scratch: new WriteScratch(),
    freeBatches: [],
    counters,
    maximumPendingBytes: config.maximumPendingBytes,
    closeDeadlineMs: config.closeDeadlineMs,
    ...calls,
  }
}

/** The state of what the connections share. */
export interface SharedRecord {
  readonly total: TotalRecord
  readonly budget: BudgetRecord
  /** Writes that were put off to a later turn. */
  readonly postponedWrites: number
  readonly pool: Pool
  /** What sockets read into. */
  readonly memory: Buffer
}

export const giveShared = ({ totalPendingBytes, budget, writes, pool, input }: CoreOwner): SharedRecord => ({
  total: totalPendingBytes.handOver(),
  budget: budget.handOver(),
  postponedWrites: writes.postponed,
  pool: pool.handOver(),
  memory: input.handOver(),
})

/** Continues for another core, before any connection follows. */
export const takeShared = (owner: CoreOwner, handed: SharedRecord): void => {
  owner.totalPendingBytes.continueFrom(handed.total)
  owner.budget.continueFrom(handed.budget)
  owner.writes.postponed = handed.postponedWrites
  owner.pool.continueFrom(handed.pool)
  owner.input.continueFrom(handed.memory)
}
