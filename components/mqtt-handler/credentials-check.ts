import type { AuthenticationAnswer, Authenticator, Credentials } from '../../src/kinds/authenticator.ts'
import { type Identity, identityAttributes } from '../../src/kinds/identity.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { accept } from './accept.ts'
import type { AuthenticatorRecord } from './authenticators.ts'
import type { Client } from './client.ts'
import type { ClientCheck } from './client-context.ts'
import { clientFields } from './client-log.ts'
import type { CheckRecord } from './client-record.ts'
import { isRefusal } from './connack.ts'
import type { ConnectRequest } from './connect-request.ts'
import { Pause } from './reading.ts'
import { refuse } from './refuse.ts'

/** The work of asking an authenticator that answers at once, in units: a hash of a few hundred bytes. */
const AUTHENTICATOR_UNITS = 25

type Allowed = Extract<AuthenticationAnswer, { readonly result: 'allow' }>

/**
 * The check of the User Name and Password of one client by the authenticators of its listener, in their order. The first one that
 * allows or denies the client decides.
 *
 * Answers at once keep everything in this turn. For an answer that takes longer the client is not read, for at most
 * `connectDeadlineMs` for all authenticators together. After the end of the connection an answer has no effect. An authenticator
 * that throws, rejects, is too late or gives an invalid answer refuses the client, and no further one is asked. The client is then
 * refused with Server unavailable (0x88, or Return Code 3): the server could not check it, and it may try again. Bad User Name or
 * Password would say that it has to use another one.
 */
export class CredentialsCheck implements ClientCheck {
  readonly #client: Client
  readonly #request: ConnectRequest
  /** The authenticators of the listener, as they were when the check began. */
  readonly #records: readonly AuthenticatorRecord[]
  /** Our copy of the password. It is overwritten when the check is over. */
  readonly #credentials: Credentials
  /** The authenticator that is asked, by its index. */
  #current = -1
  /** The number of its last revocation when it was asked. */
  #revision = 0
  #isOver = false
  /** Set while an answer is awaited. */
  #deadline: NodeJS.Timeout | undefined

  private constructor(
    client: Client,
    request: ConnectRequest,
    records: readonly AuthenticatorRecord[],
    credentials: Credentials,
  ) {
    this.#client = client
    this.#request = request
    this.#records = records
    this.#credentials = credentials
  }

  /** A check that has not begun. @param records those of the listener. @param password lent. */
  static of(
    client: Client,
    request: ConnectRequest,
    records: readonly AuthenticatorRecord[],
    password: Uint8Array | undefined,
  ): CredentialsCheck {
    const { clientId, peer } = client.identity
    const credentials = Object.freeze({
      clientId,
      userName: request.userName,
      password: password === undefined ? undefined : Uint8Array.from(password),
      peer,
    })
    return new CredentialsCheck(client, request, records, credentials)
  }

  /** The check of another client object that this one continues for. The promise and the timer find it in the client. */
  static from(
    client: Client,
    { request, names, credentials, current, revision, deadline }: CheckRecord,
  ): CredentialsCheck {
    const { authenticators } = client.handler
    const records = names.map((name) => authenticators.handed(name))
    const check = new CredentialsCheck(client, request, records, credentials)
    check.#current = current
    check.#revision = revision
    check.#deadline = deadline
    return check
  }

  handOver(): CheckRecord | undefined {
    if (this.#isOver || this.#deadline === undefined) return undefined
    return {
      request: this.#request,
      names: this.#records.map(({ name }) => name),
      credentials: this.#credentials,
      current: this.#current,
      revision: this.#revision,
      deadline: this.#deadline,
    }
  }

  continues(): void {
    this.#client.handler.authenticators.waiting += 1
  }

  left(): void {
    if (this.#deadline !== undefined) this.#client.handler.authenticators.waiting -= 1
  }

  /** Asks the first authenticator. */
  begin(): void {
    this.#askNext()
  }

  /** The connection has ended. */
  abandon(): void {
    this.#finish()
  }

  answered(index: number, answer: AuthenticationAnswer): void {
    if (this.#isOver || index !== this.#current) return
    try {
      if (this.#take(this.#records[index]!, answer)) this.#askNext()
    } catch (error) {
      // Never throws: it runs in its own turn, where an error would end the process.
      const client = this.#client
      client.handler.log.error({ ...clientFields(client), err: error }, 'A client could not be accepted')
      client.disconnect(ReasonCode.UnspecifiedError, 'it could not be accepted', { reasonString: '' })
    }
  }

  failed(index: number, error: unknown): void {
    if (!this.#isOver && index === this.#current) this.#failed(this.#records[index]!, error)
  }

  /** There is no answer: the authenticator threw or rejected, or is too late. */
  #failed(record: AuthenticatorRecord, error: unknown): void {
    const client = this.#client
    record.failed += 1
    const unlogged = record.logsFailure()
    if (unlogged !== undefined) {
      const more = unlogged === 0 ? '' : ` (and ${unlogged} times before, which were not logged)`
      const details = { ...clientFields(client), authenticator: record.name, err: error }
      client.handler.log.error(details, `An authenticator failed: ${record.name}${more}`)
    }
    this.#refuse(ReasonCode.ServerUnavailable, `the authenticator ${record.name} failed`)
  }

  expired(): void {
    const { connectDeadlineMs } = this.#client.handler.config
    this.failed(this.#current, new Error(`no answer within connectDeadlineMs, ${connectDeadlineMs} ms`))
  }

  #askNext(): void {
    while (!this.#isOver) {
      this.#current += 1
      const record = this.#records[this.#current]
      if (record === undefined) {
        this.#allPassed()
        return
      }
      if (record.isRemoved) {
        this.#failed(record, new Error('a reset has removed it meanwhile'))
        return
      }
      this.#client.connection.chargeWork(AUTHENTICATOR_UNITS)
      this.#revision = record.revision
      let answer: ReturnType<Authenticator['authenticate']>
      try {
        answer = record.authenticator.authenticate(this.#credentials)
      } catch (error) {
        this.#failed(record, error)
        return
      }
      if (isThenable(answer)) {
        this.#await(this.#current, Promise.resolve(answer))
        return
      }
      if (!this.#take(record, answer)) return
    }
  }

  #await(index: number, answer: Promise<AuthenticationAnswer>): void {
    const client = this.#client
    const { seat } = client
    if (this.#deadline === undefined) {
      client.authenticating()
      client.reading.pause(Pause.Credentials)
      client.handler.authenticators.waiting += 1
      // A connection that is not read does not notice its end.
      this.#deadline = setTimeout(() => seat.client.check?.expired(), client.handler.config.connectDeadlineMs).unref()
    }
    answer.then(
      (value) => seat.client.check?.answered(index, value),
      (error: unknown) => seat.client.check?.failed(index, error),
    )
  }

  /** @returns whether the next authenticator is asked. */
  #take(record: AuthenticatorRecord, answer: AuthenticationAnswer): boolean {
    if (record.isRemoved) {
      this.#failed(record, new Error('a reset has removed it meanwhile'))
      return false
    }
    switch (answer?.result) {
      case 'pass':
        record.passed += 1
        return true
      case 'deny':
        record.denied += 1
        this.#deny(`${record.name}: ${answer.why}`, answer.reasonCode)
        return false
      case 'allow':
        this.#allow(record, answer)
        return false
      default:
        this.#failed(record, new TypeError('its answer is not allow, deny or pass'))
        return false
    }
  }

  #allow(record: AuthenticatorRecord, answer: Allowed): void {
    const client = this.#client
    let identity: Identity
    let isRevoked: boolean
    try {
      identity = this.#identityOf(answer)
      // Something was revoked while it was asked.
      isRevoked = record.revision !== this.#revision && record.authenticator.accepts?.(identity) === false
    } catch (error) {
      this.#failed(record, error)
      return
    }
    const { expiresAtMs = Number.POSITIVE_INFINITY } = answer
    if (isRevoked) {
      record.revoked += 1
      this.#deny(`${record.name}: the authentication was revoked meanwhile`)
    } else if (expiresAtMs <= client.handler.broker.now()) {
      record.denied += 1
      this.#deny(`${record.name}: the authentication has expired`)
    } else {
      record.allowed += 1
      this.#forgetPassword()
      client.authenticatedBy = record
      client.owner = identity.userName
      client.identity = identity
      client.handler.authenticationExpiry.watch(client, expiresAtMs)
      this.#accept()
    }
  }

  /** @throws when the contract does not allow the answer: no client is accepted by mistake. */
  #identityOf({ userName, attributes, expiresAtMs }: Allowed): Identity {
    if (userName !== undefined && typeof userName !== 'string') throw new TypeError('the user name is not a string')
    if (expiresAtMs !== undefined && !(expiresAtMs >= 0)) throw new TypeError('expiresAtMs is not a time')
    const { clientId, peer } = this.#credentials
    if (attributes === undefined) return Object.freeze({ clientId, userName, peer })
    const { data, error } = identityAttributes.safeParse(attributes)
    if (error !== undefined) throw new TypeError('the attributes are not valid', { cause: error })
    return Object.freeze({ clientId, userName, peer, attributes: Object.freeze(data) })
  }

  #accept(): void {
    accept(this.#client, this.#request)
    this.#finish()
  }

  /** No authenticator knows the client. */
  #allPassed(): void {
    const client = this.#client
    const { userName, password } = this.#credentials
    if (userName === undefined && password === undefined) {
      if (client.connection.listener.allowAnonymous === true) {
        client.handler.counters.anonymousClients += 1
        this.#accept()
        return
      }
      this.#refuse(ReasonCode.NotAuthorized, 'client sent no user name, no password and no Authentication Method')
      return
    }
    client.handler.counters.unknownClients += 1
    this.#deny(this.#records.length === 0 ? NO_AUTHENTICATOR : 'no authenticator knows the client')
  }

  #deny(why: string, reasonCode: ReasonCode = ReasonCode.BadUserNameOrPassword): void {
    // A client that could not be checked has not failed.
    if (reasonCode !== ReasonCode.ServerBusy && reasonCode !== ReasonCode.ServerUnavailable) {
      this.#client.connection.noteFailedAuthentication()
    }
    this.#refuse(isRefusal(reasonCode) ? reasonCode : ReasonCode.BadUserNameOrPassword, why)
  }

  /** The client does not learn why: it may be any peer. */
  #refuse(reasonCode: ReasonCode, why: string): void {
    refuse(this.#client, reasonCode, why, '')
    this.#finish()
  }

  #finish(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#forgetPassword()
    if (this.#deadline === undefined) return
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    this.#client.handler.authenticators.waiting -= 1
    this.#client.reading.resume(Pause.Credentials)
  }

  #forgetPassword(): void {
    this.#credentials.password?.fill(0)
  }
}

const NO_AUTHENTICATOR = 'client names no Authentication Method, and no authenticator checks its user name'

const isThenable = (answer: unknown): answer is PromiseLike<AuthenticationAnswer> =>
  typeof (answer as PromiseLike<AuthenticationAnswer> | undefined)?.then === 'function'
