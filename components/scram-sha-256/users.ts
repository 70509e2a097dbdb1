import { randomBytes } from 'node:crypto'
import type { Credential } from './credential.ts'
import { hmac } from './keys.ts'

/** Who the users are now: changed in place. */
export interface CurrentUsers {
  readonly users: Users
}

/** The users that may authenticate, and credentials for all others, whom no password lets in. */
export class Users {
  readonly #credentials: ReadonlyMap<string, Credential>
  /** The same, by number. */
  readonly #list: readonly Credential[]
  readonly #secret: Uint8Array

  /** @param credentials by name, prepared. */
  constructor(credentials: ReadonlyMap<string, Credential>) {
    this.#credentials = credentials
    this.#list = [...credentials.values()]
    // Derived from data that only this server has, and stable over a restart: a salt that changed would show that the user does
    // not exist.
    this.#secret = this.#list.reduce<Uint8Array>(
      (secret, { serverKey }) => hmac(serverKey, secret),
      this.#list.length === 0 ? randomBytes(32) : new Uint8Array(32),
    )
  }

  /** @param name prepared. @property known whether there is such a user; takes as long either way. */
  find(name: string): { readonly known: boolean; readonly credential: Credential } {
    const fake = this.#fake(name)
    const credential = this.#credentials.get(name)
    return { known: credential !== undefined, credential: credential ?? fake }
  }

  /** @param name prepared. @param credential that it must have; any if it is left out. */
  has(name: string, credential?: Credential): boolean {
    const own = this.#credentials.get(name)
    if (own === undefined || credential === undefined) return own !== undefined
    // The same password with another salt has other keys, too.
    return Buffer.compare(own.storedKey, credential.storedKey) === 0
  }

  /** A credential that looks like that of some user, always the same for the same name. No password has its keys. */
  #fake(name: string): Credential {
    const chosen = hmac(this.#secret, `user ${name}`).readUIntBE(0, 6) % Math.max(1, this.#list.length)
    const { iterations, salt } = this.#list[chosen] ?? { iterations: 4_096, salt: { length: 16 } }
    const blocks = Array.from({ length: Math.ceil(salt.length / 32) }, (_, index) =>
      hmac(this.#secret, `salt ${index} ${name}`),
    )
    return {
      iterations,
      salt: Buffer.concat(blocks).subarray(0, salt.length),
      storedKey: hmac(this.#secret, `StoredKey ${name}`),
      serverKey: hmac(this.#secret, `ServerKey ${name}`),
    }
  }
}
