import type { ClientListeners } from './client-listeners.ts'
import type { BrokerCounters } from './counters.ts'
import type { HandedEnd } from './ended-sessions.ts'
import type { Gauges } from './gauges.ts'
import type { JournalState } from './journal.ts'
import type { RetainedState } from './retained.ts'
import type { SessionState } from './session-state.ts'
import type { BacklogsState } from './shared-backlogs.ts'
import type { PressureState } from './store-pressure.ts'
import type { HandedQuota } from './user-quotas.ts'

/** Stands for a session of the predecessor, which may be of another generation of the code: it is only compared. */
export type FormerSession = object

/**
 * What a broker hands over to its successor at a reset. Nothing of it changes until the successor acts, and what grows with sessions,
 * subscriptions or messages goes by reference.
 */
export interface BrokerState {
  /** The predecessor acts no more. @returns it acts again. */
  pause(): () => void
  readonly gauges: Gauges
  readonly counters: BrokerCounters
  readonly hasOwnRules: boolean
  readonly quotas: readonly HandedQuota<FormerSession>[]
  readonly journal: JournalState
  readonly retained: RetainedState
  /** Of all sessions, those that have ended as well. */
  readonly states: ReadonlyMap<FormerSession, SessionState>
  /** Those that have not ended. In their orders, as the lists below. */
  readonly present: readonly FormerSession[]
  readonly connected: readonly FormerSession[]
  readonly away: { readonly all: readonly FormerSession[]; readonly idle: readonly FormerSession[] }
  readonly dueWills: readonly FormerSession[]
  readonly expired: readonly FormerSession[]
  readonly ended: readonly HandedEnd<FormerSession>[]
  readonly backlogs: BacklogsState<FormerSession>
  readonly awaiting: readonly FormerSession[]
  readonly pressure: PressureState
  readonly clientListeners: ReturnType<ClientListeners['handOver']>
  readonly isRevoking: boolean
  readonly scheduler: { readonly spent: number; readonly turns: number; readonly mostInTurn: number }
}
