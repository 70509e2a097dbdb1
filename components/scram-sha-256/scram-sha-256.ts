import { randomBytes } from 'node:crypto'
import { Change, setting } from '../../src/collections/change.ts'
import type {
  AuthenticatingClient,
  AuthenticationExchange,
  AuthenticationMethod,
} from '../../src/kinds/authentication-method.ts'
import type { Credential } from './credential.ts'
import { ScramExchange } from './scram-exchange.ts'
import { Users } from './users.ts'

/** 144 bits: no two exchanges ever have the same. */
const nonceLength = 18

/** Authentication by RFC 5802 with the hash of RFC 7677, without channel binding. */
export class ScramSha256 implements AuthenticationMethod {
  readonly name = 'SCRAM-SHA-256'
  readonly #current: { users: Users }
  readonly #makeNonce: () => string

  /**
   * @param credentials by user name, prepared.
   * @param makeNonce makes a nonce never made before, of printable ASCII without commas; given by tests alone.
   */
  constructor(
    credentials: ReadonlyMap<string, Credential>,
    makeNonce = () => randomBytes(nonceLength).toString('base64'),
  ) {
    this.#current = { users: new Users(credentials) }
    this.#makeNonce = makeNonce
  }

  /** Prepares other users. Exchanges under way succeed only for those that stay, with the same credential. */
  adjust(credentials: ReadonlyMap<string, Credential>): Change {
    return new Change([setting(this.#current, { users: new Users(credentials) })])
  }

  begin(_client: AuthenticatingClient): AuthenticationExchange {
    return new ScramExchange(this.#current, this.#makeNonce())
  }

  knows(userName: string): boolean {
    return this.#current.users.has(userName)
  }
}
