import { Listeners } from '../../src/collections/listeners.ts'
import type {
  AuthenticatedIdentity,
  AuthenticationAnswer,
  Authenticator,
  Credentials,
} from '../../src/kinds/authenticator.ts'
import type { UserDirectory } from '../../src/kinds/user-directory.ts'

/** A question that waits for the test's answer. */
export interface PendingCredentials {
  readonly credentials: Credentials
  answer(answer: AuthenticationAnswer): void
  fail(error: Error): void
}

/** An authenticator that knows users with their passwords, or that answers when a test wants. */
export class ControlledAuthenticator implements Authenticator {
  readonly name: string
  /** Passwords by user name. A user without one is passed on; without a user name too. */
  readonly passwords = new Map<string, string>()
  /** Added to each answer that allows a client. */
  allows: Partial<Extract<AuthenticationAnswer, { readonly result: 'allow' }>> = {}
  /** In place of the answer by the passwords. */
  answer: ((credentials: Credentials) => AuthenticationAnswer | Promise<AuthenticationAnswer>) | undefined
  /** Whether it waits for the test. */
  isSlow = false
  /** Every question so far. */
  readonly asked: Credentials[] = []
  /** The questions that wait, with those that were answered. */
  readonly pending: PendingCredentials[] = []
  /** User names that are no longer accepted. */
  readonly revoked = new Set<string | undefined>()
  /** The identities that `accepts` was asked for. */
  readonly acceptsAsked: AuthenticatedIdentity[] = []
  readonly #listeners = new Listeners()
  readonly users: UserDirectory = {
    list: () => [...this.passwords.keys()].sort(),
    set: async (name, password) => {
      if (password === '') throw new TypeError('the password is empty')
      this.passwords.set(name, password)
      this.revoked.delete(name)
      this.revoke()
    },
    delete: async (name) => {
      const isThere = this.passwords.delete(name)
      if (isThere) this.revoke(name)
      return isThere
    },
  }

  constructor(name: string, passwords: Readonly<Record<string, string>> = {}) {
    this.name = name
    for (const [user, password] of Object.entries(passwords)) this.passwords.set(user, password)
  }

  authenticate(credentials: Credentials): AuthenticationAnswer | Promise<AuthenticationAnswer> {
    this.asked.push(credentials)
    if (this.isSlow) {
      return new Promise((answer, fail) => {
        this.pending.push({ credentials, answer, fail })
      })
    }
    return this.answer === undefined ? this.byPassword(credentials) : this.answer(credentials)
  }

  /** The answer by the passwords. */
  byPassword({ userName, password }: Credentials): AuthenticationAnswer {
    const expected = userName === undefined ? undefined : this.passwords.get(userName)
    if (expected === undefined) return { result: 'pass' }
    if (password === undefined || Buffer.from(password).toString() !== expected) {
      return { result: 'deny', why: 'the password is wrong' }
    }
    return { result: 'allow', userName, ...this.allows }
  }

  accepts(identity: AuthenticatedIdentity): boolean {
    this.acceptsAsked.push(identity)
    return !this.revoked.has(identity.userName)
  }

  onRevocation(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /** Users lose their right to be connected. */
  revoke(...userNames: (string | undefined)[]): void {
    for (const userName of userNames) this.revoked.add(userName)
    this.#listeners.call()
  }
}
