import type { Message } from '../../src/mqtt/message.ts'
import { type RetainedMessages, retainedCost } from '../../src/mqtt/retained-messages.ts'
import type { RetainedSources, SharedSource } from './retained-sources.ts'
import type { UserAccounts, UserNumbers } from './user-quotas.ts'

/**
 * The user who published each retained message, so that one user cannot use up the limits for all. Clients without a user hold the
 * rest of the totals, which includes messages of the server itself and messages without a known publisher.
 */
export class RetainedOwners {
  readonly #messages: RetainedMessages
  readonly #quotas: UserAccounts
  readonly #sources: RetainedSources
  /** Of messages whose publisher is known. */
  readonly #sourceOf = new Map<Message, SharedSource>()
  // What all users hold together.
  #ownedMessages = 0
  #ownedBytes = 0

  constructor(messages: RetainedMessages, quotas: UserAccounts, sources: RetainedSources) {
    this.#messages = messages
    this.#quotas = quotas
    this.#sources = sources
  }

  /** Who published which message, for a successor. */
  handOver(): OwnersState {
    return { sourceOf: this.#sourceOf, ownedMessages: this.#ownedMessages, ownedBytes: this.#ownedBytes }
  }

  /** At a reset. @param copies of the sources. */
  takeOver(
    { sourceOf, ownedMessages, ownedBytes }: OwnersState,
    copies: ReadonlyMap<SharedSource, SharedSource>,
  ): void {
    for (const [message, source] of sourceOf) this.#sourceOf.set(message, copies.get(source) ?? source)
    this.#ownedMessages = ownedMessages
    this.#ownedBytes = ownedBytes
  }

  /** The publisher of a retained message; undefined for the server itself, or if it is not known. */
  sourceOf(message: Message): SharedSource | undefined {
    return this.#sourceOf.get(message)
  }

  /**
   * By how much the memory of the publishers grows when a message takes the place of another one; negative if it shrinks.
   * @param source undefined if it is not kept.
   */
  sourceGrowth(replaced: Message | undefined, source: SharedSource | undefined): number {
    const before = replaced === undefined ? undefined : this.#sourceOf.get(replaced)
    if (before === source) return 0
    const freed = before?.messages === 1 ? before.cost : 0
    return (source === undefined ? 0 : this.#sources.growthOf(source)) - freed
  }

  /** Whether a message may be retained for this publisher. One that takes no more room than its own one before always may. */
  hasRoom(message: Message, quota: UserNumbers, source: SharedSource | undefined): boolean {
    const limits = this.#quotas.limitsOf(quota)
    if (limits.retainedBytes === Number.POSITIVE_INFINITY) return true
    const { user } = quota
    const messages = user === undefined ? this.#messages.count - this.#ownedMessages : quota.retainedMessages
    const all = this.#messages.bytes + this.#sources.bytes
    const bytes = user === undefined ? all - this.#ownedBytes : quota.retainedBytes
    const replaced = this.#messages.get(message.topic, Number.NEGATIVE_INFINITY)
    const isOwn = replaced !== undefined && this.#isOf(replaced, user)
    const growth = isOwn
      ? retainedCost(message) - retainedCost(replaced) + this.sourceGrowth(replaced, source)
      : retainedCost(message) + this.sourceGrowth(undefined, source)
    if (!isOwn && messages >= limits.retainedMessages) return false
    return growth <= 0 || bytes + growth <= limits.retainedBytes
  }

  /** A message is retained. @param replaced the one on its topic before. @param source undefined if it is not kept. */
  retained(message: Message, replaced: Message | undefined, source: SharedSource | undefined): void {
    const before = replaced === undefined ? undefined : this.#sourceOf.get(replaced)
    if (before !== undefined) this.#sourceOf.delete(replaced!)
    // Held before the other one is released: they may be the same.
    if (source !== undefined) this.#hold(message, source)
    if (before !== undefined) this.#release(replaced!, before)
  }

  /** A message is no longer retained. */
  removed(message: Message): void {
    const source = this.#sourceOf.get(message)
    if (source === undefined) return
    this.#sourceOf.delete(message)
    this.#release(message, source)
  }

  #release(message: Message, source: SharedSource): void {
    const shrunk = this.#sources.release(source)
    const { quota } = source
    if (quota === undefined) return
    this.#count(quota, -1, -retainedCost(message) - shrunk)
    this.#quotas.release(quota)
  }

  #hold(message: Message, source: SharedSource): void {
    const { userName } = source.source
    // A user that held nothing was forgotten, with its earlier quota.
    if (source.messages === 0) source.quota = userName === undefined ? undefined : this.#quotas.of(userName)
    this.#sourceOf.set(message, source)
    const growth = this.#sources.hold(source)
    if (source.quota !== undefined) this.#count(source.quota, 1, retainedCost(message) + growth)
  }

  #isOf(message: Message, user: string | undefined): boolean {
    const source = this.#sourceOf.get(message)
    return source === undefined ? user === undefined : source.source.userName === user
  }

  #count(quota: UserNumbers, messages: number, bytes: number): void {
    quota.retainedMessages += messages
    quota.retainedBytes += bytes
    this.#ownedMessages += messages
    this.#ownedBytes += bytes
  }
}

export interface OwnersState {
  readonly sourceOf: ReadonlyMap<Message, SharedSource>
  readonly ownedMessages: number
  readonly ownedBytes: number
}
