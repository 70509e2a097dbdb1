import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { AuthenticatedIdentity, AuthenticationAnswer } from '../../src/kinds/authenticator.ts'
import { formatScrypt, newScrypt, OWN_HASH_BYTES } from './password-hash.ts'

/** A user of the file. The same object while its hash stays the same. */
export class User {
  readonly name: string
  /** As it is written in the file. */
  readonly hash: string
  #allowed: Allowed | undefined

  constructor(name: string, hash: string) {
    this.name = name
    this.hash = hash
  }

  /** The answer for a client that proved to be this user. It is made when it is first needed: a file may have 100,000 users. */
  get allowed(): Allowed {
    if (this.#allowed === undefined) {
      const digest = createHash('sha256').update(this.hash).digest('base64url').slice(0, DIGEST_LENGTH)
      this.#allowed = { result: 'allow', userName: this.name, attributes: { values: { [HASH_DIGEST]: digest } } }
    }
    return this.#allowed
  }
}

type Allowed = AuthenticationAnswer & { readonly result: 'allow' }

/** How the users of a file differ from those before. */
export interface UserChange {
  readonly added: number
  readonly changed: number
  readonly removed: number
}

/**
 * The value of an identity that says with which hash its client was authenticated. It is a digest of the hash, so that it stays the same
 * over a restart, and tells nothing about the password.
 */
const HASH_DIGEST = 'passwordFile'
const DIGEST_LENGTH = 16

/** The users of a password file as it was read last. */
export class Users {
  #users: ReadonlyMap<string, User> = new Map()
  #hashes: readonly string[] = []
  /** The names, once they were asked for: sorting 100,000 takes a while. */
  #names: readonly string[] | undefined
  /** Chooses the hash that stands in for that of an unknown user. */
  readonly #key = randomBytes(32)
  /** Where there are no users. No password has it. */
  readonly #standIn = formatScrypt({ ...newScrypt(), hash: randomBytes(OWN_HASH_BYTES) })

  get size(): number {
    return this.#users.size
  }

  get(name: string): User | undefined {
    return this.#users.get(name)
  }

  /** Names, sorted. */
  names(): readonly string[] {
    this.#names ??= [...this.#users.keys()].sort()
    return this.#names
  }

  /**
   * The hash that a password of an unknown user is compared with, for the same work as with a known one. It is the same for
   * the same name, and as often of one form as that form is in the file.
   */
  standInFor(name: string): string {
    if (this.#hashes.length === 0) return this.#standIn
    const chosen = createHmac('sha256', this.#key).update(name).digest().readUIntBE(0, 6)
    return this.#hashes[chosen % this.#hashes.length]!
  }

  /** Whether an identity is a user that has the hash it had when it was authenticated. */
  accepts({ userName, attributes }: AuthenticatedIdentity): boolean {
    const user = userName === undefined ? undefined : this.#users.get(userName)
    const digest = attributes?.values?.[HASH_DIGEST]
    return user !== undefined && user.allowed.attributes?.values?.[HASH_DIGEST] === digest
  }

  /** What `replace` changes, to take it back. */
  restorePoint(): () => void {
    const before = { users: this.#users, hashes: this.#hashes, names: this.#names }
    return () => {
      this.#users = before.users
      this.#hashes = before.hashes
      this.#names = before.names
    }
  }

  /** Takes over what was read. @param hashes by the names. */
  replace(hashes: ReadonlyMap<string, string>): UserChange {
    const before = this.#users
    const users = new Map<string, User>()
    let [added, changed] = [0, 0]
    for (const [name, hash] of hashes) {
      const known = before.get(name)
      if (known === undefined) added += 1
      else if (known.hash !== hash) changed += 1
      users.set(name, known?.hash === hash ? known : new User(name, hash))
    }
    this.#users = users
    this.#names = undefined
    this.#hashes = [...hashes.values()]
    return { added, changed, removed: before.size + added - users.size }
  }
}
