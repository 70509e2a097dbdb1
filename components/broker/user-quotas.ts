import type { BrokerConfig } from './config.ts'
import { IdleSessions } from './idle-sessions.ts'

/** What the sessions of one user hold now, and the messages that they retained. All sessions of the user share it. */
export interface UserQuota<S> extends UserNumbers {
  /** The sessions that hold nothing; undefined until the first one. */
  idle: IdleSessions<S> | undefined
}

/** One quota at a reset. */
export interface HandedQuota<S> {
  readonly numbers: UserNumbers
  readonly idle: readonly S[]
}

/** The numbers of a quota. */
export interface UserNumbers {
  /** Undefined for all clients together that no authenticator proved to be a user. */
  readonly user: string | undefined
  sessions: number
  /** Those of them without a client. */
  awaySessions: number
  /** The part of this user in each number of `Gauges`. */
  queuedBytes: number
  willBytes: number
  subscriptionBytes: number
  /** Retained messages that this user has published. */
  retainedMessages: number
  retainedBytes: number
}

/** The most of each number. */
export interface UserLimits {
  readonly sessions: number
  readonly awaySessions: number
  readonly queuedBytes: number
  readonly subscriptionBytes: number
  readonly retainedMessages: number
  readonly retainedBytes: number
}

/** The part of the quotas of all users that most parts of the broker use. */
export interface UserAccounts {
  of(owner: string): UserNumbers
  limitsOf(quota: Pick<UserNumbers, 'user'>): UserLimits
  release(quota: UserNumbers): void
}

/** The share of each total that one user may have by default. */
const USER_SHARE = 0.5

/** The share of `maximumSessions` that away sessions may take by default. */
const AWAY_SHARE = 0.9

/** The bound for the sessions without a client, of all users. */
export const awayBound = ({ maximumSessions, maximumAwaySessions }: BrokerConfig): number =>
  maximumAwaySessions ?? Math.ceil(maximumSessions * AWAY_SHARE)

/**
 * What each user holds, so that one user cannot use up the limits for all. A user is one that an authenticator has proved. All other
 * clients count together, and have half of each total while there is any user; a broker without users has no such limits.
 */
export class UserQuotas<S> implements UserAccounts {
  /** For each user. */
  #limits: UserLimits
  /** For the clients without a user, while there are users. */
  #shares: UserLimits
  readonly #byUser = new Map<string, UserQuota<S>>()
  readonly #others: UserQuota<S> = newQuota(undefined)

  constructor(config: BrokerConfig) {
    this.#shares = sharesOf(config)
    this.#limits = limitsOf(config, this.#shares)
  }

  /** Takes over other limits. A user keeps what is over a limit that was lowered. @returns takes it back. */
  adjust(config: BrokerConfig): () => void {
    const before = { limits: this.#limits, shares: this.#shares }
    this.#shares = sharesOf(config)
    this.#limits = limitsOf(config, this.#shares)
    return () => {
      this.#limits = before.limits
      this.#shares = before.shares
    }
  }

  /** What is held, for a successor. Changes nothing. */
  handOver(): readonly HandedQuota<S>[] {
    return [this.#others, ...this.#byUser.values()].map(({ idle, ...numbers }) => ({
      numbers,
      idle: idle === undefined ? [] : [...idle],
    }))
  }

  /** Copies what the predecessor held, at a reset. Before there are sessions. */
  takeOver(quotas: readonly HandedQuota<unknown>[]): void {
    for (const { numbers } of quotas) Object.assign(this.of(numbers.user), numbers)
  }

  /** The sessions that hold nothing, of one quota. */
  takeOverIdle(user: string | undefined, idle: readonly S[]): void {
    const quota = this.of(user)
    if (idle.length > 0) quota.idle = new IdleSessions()
    for (const session of idle) quota.idle!.add(session)
  }

  /** Users that hold anything. */
  get count(): number {
    return this.#byUser.size
  }

  /** The quota of a user, without making one. @param owner undefined for clients without a proved user. */
  find(owner: string | undefined): UserQuota<S> | undefined {
    return owner === undefined ? this.#others : this.#byUser.get(owner)
  }

  /** The quota of a user, or of the clients without one. Call `release` when what was counted in it is gone. */
  of(owner: string | undefined): UserQuota<S> {
    if (owner === undefined) return this.#others
    let quota = this.#byUser.get(owner)
    if (quota === undefined) {
      quota = newQuota(owner)
      this.#byUser.set(owner, quota)
    }
    return quota
  }

  /** What the user may hold. */
  limitsOf(quota: Pick<UserNumbers, 'user'>): UserLimits {
    if (quota.user !== undefined) return this.#limits
    return this.#byUser.size === 0 ? UNLIMITED : this.#shares
  }

  /** Why the user may have no further session; undefined if it may, perhaps instead of one that holds nothing. */
  sessionProblem(owner: string | undefined, outlives: boolean): string | undefined {
    const quota = this.find(owner)
    if (quota === undefined || (quota.idle?.count ?? 0) > 0) return undefined
    const limits = this.limitsOf(quota)
    const whose = owner === undefined ? 'The clients without a user have' : 'The user has'
    if (quota.sessions >= limits.sessions) return `${whose} as many sessions as ${sessionBoundOf(owner)} allows.`
    if (!outlives || quota.awaySessions < limits.awaySessions) return undefined
    return `${whose} half of the sessions that maximumAwaySessions allows.`
  }

  /** Whether one of the sessions of the user that hold nothing has to end for a new one. */
  isFull(quota: UserQuota<S>, outlives: boolean): boolean {
    const limits = this.limitsOf(quota)
    return quota.sessions >= limits.sessions || (outlives && quota.awaySessions >= limits.awaySessions)
  }

  /** Forgets a user that holds nothing. */
  release(quota: UserNumbers): void {
    const { user, sessions, queuedBytes, subscriptionBytes, retainedMessages } = quota
    if (user === undefined || sessions + queuedBytes + subscriptionBytes + retainedMessages > 0) return
    if (this.#byUser.get(user) === quota) this.#byUser.delete(user)
  }
}

const sharesOf = (config: BrokerConfig): UserLimits => {
  const share = (total: number): number => Math.ceil(total * USER_SHARE)
  return {
    sessions: share(config.maximumSessions),
    awaySessions: share(awayBound(config)),
    queuedBytes: share(config.maximumTotalQueuedBytes),
    subscriptionBytes: share(config.maximumTotalSubscriptionBytes),
    retainedMessages: share(config.maximumRetainedMessages),
    retainedBytes: share(config.maximumRetainedBytes),
  }
}

const limitsOf = (config: BrokerConfig, shares: UserLimits): UserLimits => ({
  sessions: config.maximumSessionsPerUser ?? shares.sessions,
  awaySessions: shares.awaySessions,
  queuedBytes: config.maximumQueuedBytesPerUser ?? shares.queuedBytes,
  subscriptionBytes: config.maximumSubscriptionBytesPerUser ?? shares.subscriptionBytes,
  retainedMessages: config.maximumRetainedMessagesPerUser ?? shares.retainedMessages,
  retainedBytes: config.maximumRetainedBytesPerUser ?? shares.retainedBytes,
})

const sessionBoundOf = (owner: string | undefined): string =>
  owner === undefined ? 'half of maximumSessions' : 'maximumSessionsPerUser'

const newQuota = <S>(user: string | undefined): UserQuota<S> => ({
  user,
  sessions: 0,
  awaySessions: 0,
  idle: undefined,
  queuedBytes: 0,
  willBytes: 0,
  subscriptionBytes: 0,
  retainedMessages: 0,
  retainedBytes: 0,
})

const UNLIMITED: UserLimits = {
  sessions: Number.POSITIVE_INFINITY,
  awaySessions: Number.POSITIVE_INFINITY,
  queuedBytes: Number.POSITIVE_INFINITY,
  subscriptionBytes: Number.POSITIVE_INFINITY,
  retainedMessages: Number.POSITIVE_INFINITY,
  retainedBytes: Number.POSITIVE_INFINITY,
}
