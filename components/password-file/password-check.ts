import { createHmac, randomBytes } from 'node:crypto'
import { Change } from '../../src/collections/change.ts'
import { ExpiringCache } from '../../src/collections/expiring-cache.ts'
import { FairQueue } from '../../src/collections/fair-queue.ts'
import type { Peer } from '../../src/kinds/peer.ts'
import { sourceOf } from '../../src/network/address-key.ts'
import type { Argon2 } from './argon2.ts'
import type { PasswordFileConfig } from './config.ts'
import type { PasswordFileCounters } from './counters.ts'
import { parsePasswordHash } from './password-hash.ts'
import type { User, Users } from './users.ts'
import { verifyPassword } from './verify-password.ts'

/** The user that the password is right for, or why the client is refused. */
export type Verdict = User | 'wrong' | 'unknown' | 'busy'

/**
 * Checks passwords: off the main thread, a few at a time, each one once for all clients that send it at the same time, and not again for
 * a short time after it was right.
 */
export class PasswordCheck {
  /** Set when the file has hashes that need it. */
  argon2: Argon2 | undefined
  readonly queue: FairQueue
  readonly successes: ExpiringCache<User>
  readonly #users: Users
  readonly #counters: PasswordFileCounters
  /** Of this process alone: what is remembered of a password is worth nothing elsewhere. */
  readonly #key = randomBytes(32)
  /** By the key of name and password. */
  readonly #underWay = new Map<string, Promise<Verdict>>()

  constructor(users: Users, config: PasswordFileConfig, counters: PasswordFileCounters) {
    this.#users = users
    this.#counters = counters
    this.queue = new FairQueue(boundsOf(config).queue)
    this.successes = new ExpiringCache(boundsOf(config).successes)
  }

  /** Sets other bounds. @returns takes it back. */
  adjust(config: PasswordFileConfig): () => void {
    const bounds = boundsOf(config)
    const steps = new Change([() => this.queue.adjust(bounds.queue), () => this.successes.adjust(bounds.successes)])
    steps.commit()
    return () => steps.undo()
  }

  /** @param password lent until this returns. */
  check(userName: string, password: Uint8Array, peer: Peer): Verdict | Promise<Verdict> {
    const key = this.#keyOf(userName, password)
    const user = this.#users.get(userName)
    // The same object: a user with another hash is another one.
    if (user !== undefined && this.successes.get(key) === user) {
      this.#counters.fromCache += 1
      return user
    }
    const others = this.#underWay.get(key)
    if (others !== undefined) {
      this.#counters.joined += 1
      return others
    }
    // A copy for the time in the queue: the memory of the packet is lent.
    const verdict = this.#hash(userName, Uint8Array.from(password), sourceOf(peer))
      .then((found) => {
        if (typeof found !== 'string') this.successes.set(key, found)
        return found
      })
      .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, verdict)
    return verdict
  }

  async #hash(userName: string, password: Uint8Array, source: string): Promise<Verdict> {
    try {
      for (;;) {
        const user = this.#users.get(userName)
        const hash = parsePasswordHash(user?.hash ?? this.#users.standInFor(userName))
        if (typeof hash === 'string') throw new Error(`a hash of the password file ${hash}`)
        const isRight = await this.queue.run(source, () => {
          this.#counters.hashed += 1
          return verifyPassword(hash, password, this.argon2)
        })
        if (isRight === undefined) return 'busy'
        // The file was read again meanwhile: the password that it has now counts.
        if (this.#users.get(userName) !== user) continue
        if (user === undefined) return 'unknown'
        return isRight ? user : 'wrong'
      }
    } finally {
      password.fill(0)
    }
  }

  #keyOf(userName: string, password: Uint8Array): string {
    const name = Buffer.from(userName)
    // With its length, so that a part of a password never counts as a part of a name.
    return createHmac('sha256', this.#key).update(`${name.length}:`).update(name).update(password).digest('base64')
  }
}

const boundsOf = (config: PasswordFileConfig) => ({
  queue: { maximumRunning: config.maximumHashing, maximumQueued: config.maximumQueued },
  successes: { durationMs: config.cacheSeconds * 1_000, maximum: config.maximumCached },
})
