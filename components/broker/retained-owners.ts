import type { Message } from '../../src/mqtt/message.ts'
import { type RetainedMessages, retainedCost } from '../../src/mqtt/retained-messages.ts'
import type { UserAccounts, UserNumbers } from './user-quotas.ts'

/**
 * Which user has published which retained message, so that no single user can fill the bounds of all. Messages that were read from the
 * store belong to no user. What clients without a user hold is what the users do not hold.
 */
export class RetainedOwners {
  readonly #messages: RetainedMessages
  readonly #quotas: UserAccounts
  /** Of messages that a user has published. */
  readonly #ownerOf = new Map<Message, UserNumbers>()
  // What all users hold together.
  #ownedMessages = 0
  #ownedBytes = 0

  constructor(messages: RetainedMessages, quotas: UserAccounts) {
    this.#messages = messages
    this.#quotas = quotas
  }

  /** Whether a message may be retained for this publisher. One that takes no more room than its own one before always may. */
  hasRoom(message: Message, quota: UserNumbers): boolean {
    const limits = this.#quotas.limitsOf(quota)
    if (limits.retainedBytes === Number.POSITIVE_INFINITY) return true
    const { user } = quota
    const messages = user === undefined ? this.#messages.count - this.#ownedMessages : quota.retainedMessages
    const bytes = user === undefined ? this.#messages.bytes - this.#ownedBytes : quota.retainedBytes
    const replaced = this.#messages.get(message.topic, Number.NEGATIVE_INFINITY)
    const isOwn = replaced !== undefined && this.#ownerOf.get(replaced)?.user === user
    const growth = retainedCost(message) - (isOwn ? retainedCost(replaced) : 0)
    if (!isOwn && messages >= limits.retainedMessages) return false
    return growth <= 0 || bytes + growth <= limits.retainedBytes
  }

  /** A message is retained. @param replaced the one on its topic before. @param quota undefined for one of the server itself. */
  retained(message: Message, replaced: Message | undefined, quota: UserNumbers | undefined): void {
    if (replaced !== undefined) this.removed(replaced)
    if (quota?.user === undefined) return
    this.#ownerOf.set(message, quota)
    this.#count(quota, 1, retainedCost(message))
  }

  /** A message is not retained any more. */
  removed(message: Message): void {
    const quota = this.#ownerOf.get(message)
    if (quota === undefined) return
    this.#ownerOf.delete(message)
    this.#count(quota, -1, -retainedCost(message))
    this.#quotas.release(quota)
  }

  #count(quota: UserNumbers, messages: number, bytes: number): void {
    quota.retainedMessages += messages
    quota.retainedBytes += bytes
    this.#ownedMessages += messages
    this.#ownedBytes += bytes
  }
}
