import { Change, setting } from '../../src/collections/change.ts'
import type { AuthenticationAnswer, Authenticator, Credentials } from '../../src/kinds/authenticator.ts'
import type { IdentityAttributes } from '../../src/kinds/identity.ts'

const PASS: AuthenticationAnswer = { result: 'pass' }

/** Allows clients that send neither a User Name nor a Password, and leaves all others to other authenticators. */
export class Anonymous implements Authenticator {
  readonly name: string
  /** Clients that were allowed. */
  allowed = 0
  readonly #current: { answer: AuthenticationAnswer }

  constructor(name: string, attributes: IdentityAttributes) {
    this.name = name
    this.#current = { answer: answerWith(attributes) }
  }

  /** Prepares other attributes, for clients that connect from then on. */
  adjust(attributes: IdentityAttributes): Change {
    return new Change([setting(this.#current, { answer: answerWith(attributes) })])
  }

  authenticate({ userName, password }: Credentials): AuthenticationAnswer {
    // An empty user name is also a user name. A password that no component checks is never accepted.
    if (userName !== undefined || password !== undefined) return PASS
    this.allowed += 1
    return this.#current.answer
  }
}

const answerWith = (attributes: IdentityAttributes): AuthenticationAnswer => ({
  result: 'allow',
  userName: undefined,
  attributes,
})
