import { timingSafeEqual } from 'node:crypto'
import type { AuthenticationExchange, AuthenticationStep } from '../../src/kinds/authentication-method.ts'
import type { Credential } from './credential.ts'
import { hash, hmac, xor } from './keys.ts'
import { type ClientFirst, malformed, type Refusal, readClientFinal, readClientFirst, refused } from './messages.ts'
import { prepare } from './prepare.ts'
import type { CurrentUsers } from './users.ts'

/** What the exchange knows between the two messages of the client. */
interface Challenge {
  readonly first: ClientFirst
  readonly userName: string
  /** Whether there is such a user; if not, the credential is a fake. */
  readonly known: boolean
  readonly credential: Credential
  readonly nonce: string
  readonly serverFirst: string
}

/** The server's side of one exchange: first message, challenge, final message, verdict. */
export class ScramExchange implements AuthenticationExchange {
  readonly #current: CurrentUsers
  readonly #serverNonce: string
  #state: 'first' | 'final' | 'ended' = 'first'
  /** There in the state `final` alone. */
  #challenge: Challenge | undefined

  /**
   * @param current asked for each message: a reset may change the users during the exchange.
   * @param serverNonce printable ASCII without commas, never used before.
   */
  constructor(current: CurrentUsers, serverNonce: string) {
    this.#current = current
    this.#serverNonce = serverNonce
  }

  step(data: Uint8Array | undefined): AuthenticationStep {
    switch (this.#state) {
      case 'first':
        return this.#takeFirst(data)
      case 'final':
        return this.#takeFinal(data, this.#challenge!)
      case 'ended':
        return failure(malformed('the exchange is over'))
    }
  }

  #takeFirst(data: Uint8Array | undefined): AuthenticationStep {
    this.#state = 'ended'
    const first = readClientFirst(data)
    if ('why' in first) return failure(first)
    const userName = prepare(first.userName)
    if (userName === undefined) return failure(refused('the user name holds characters that no name may have'))
    if (first.authorizationName !== undefined && prepare(first.authorizationName) !== userName) {
      return failure(refused('a client may act as its own user alone'))
    }
    const { known, credential } = this.#current.users.find(userName)
    const nonce = first.nonce + this.#serverNonce
    const salt = Buffer.from(credential.salt).toString('base64')
    const serverFirst = `r=${nonce},s=${salt},i=${credential.iterations}`
    this.#challenge = { first, userName, known, credential, nonce, serverFirst }
    this.#state = 'final'
    return { result: 'continue', data: Buffer.from(serverFirst) }
  }

  #takeFinal(data: Uint8Array | undefined, challenge: Challenge): AuthenticationStep {
    this.#state = 'ended'
    this.#challenge = undefined
    const final = readClientFinal(data)
    if ('why' in final) return failure(final)
    const { first, userName, known, credential, nonce, serverFirst } = challenge
    if (final.channelBinding !== Buffer.from(first.gs2Header).toString('base64')) {
      return failure(refused('the channel binding is not that of the first message'))
    }
    if (final.nonce !== nonce) return failure(refused('the nonce is not that of this exchange'))
    const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`
    const clientKey = xor(final.proof, hmac(credential.storedKey, authMessage))
    // Compared for users that do not exist too, to take the same time.
    const proven = timingSafeEqual(hash(clientKey), credential.storedKey)
    const serverFinal = `v=${hmac(credential.serverKey, authMessage).toString('base64')}`
    if (!known) return failure(refused('there is no such user'))
    if (!proven) return failure(refused('the proof is wrong'))
    if (!this.#current.users.has(userName, credential)) {
      return failure(refused('the user was removed, or has another password, since the exchange began'))
    }
    return { result: 'success', userName, data: Buffer.from(serverFinal) }
  }
}

const failure = ({ reasonCode, why }: Refusal): AuthenticationStep => ({
  result: 'failure',
  reasonCode,
  why: `SCRAM-SHA-256: ${why}`,
})
