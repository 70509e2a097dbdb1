import type { IAuthPacket } from 'mqtt-packet'
import type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../src/kinds/authentication-method.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import { accept } from './accept.ts'
import { type AnswerPurpose, awaitAnswer } from './await-answer.ts'
import type { Client } from './client.ts'
import type { ClientAuthentication } from './client-context.ts'
import { clientFields } from './client-log.ts'
import type { AuthenticationRecord, PurposeRecord } from './client-record.ts'
import type { ConnectRequest } from './connect-request.ts'
import { AUTH_TOO_LARGE, takes } from './packet-size.ts'
import { Phase } from './phase.ts'
import { refuse } from './refuse.ts'

/** The enhanced authentication of one client (section 4.12): at its CONNECT, and again when it asks for that. */
export class Authentication implements ClientAuthentication, AnswerPurpose<AuthenticationStep> {
  readonly #client: Client
  /** The method that began the exchange. */
  #method: AuthenticationMethod
  /** The CONNECT that is accepted when the client succeeds. Undefined once that has happened: then it is a re-authentication. */
  #request: ConnectRequest | undefined
  #exchange: AuthenticationExchange | undefined

  /** @param record the method, and the CONNECT that names it; or what another one has handed over. */
  constructor(client: Client, { method, request, exchange }: AuthenticationRecord) {
    this.#client = client
    this.#method = method
    this.#request = request
    this.#exchange = exchange
  }

  toRecord(): PurposeRecord {
    return { type: 'authentication' }
  }

  handOver(): AuthenticationRecord {
    return { method: this.#method, request: this.#request, exchange: this.#exchange }
  }

  get method(): string {
    return this.#method.name
  }

  get underWay(): boolean {
    return this.#exchange !== undefined
  }

  /** Begins the exchange. @param data of the packet that asked for it. */
  begin(data: Uint8Array | undefined): void {
    try {
      // A reset may have replaced or removed it since CONNECT.
      const method = this.#client.handler.authenticationMethods.get(this.method)
      if (method === undefined) throw new Error('the system does not have this authentication method any more')
      this.#method = method
      this.#exchange = method.begin(this.#client.identity)
    } catch (error) {
      this.failed(error)
      return
    }
    this.step(data)
  }

  reauthenticate(data: Uint8Array | undefined): void {
    this.begin(data)
  }

  /** Takes the next packet of the exchange. Nothing more is read from the client until the method has answered. */
  step(data: Uint8Array | undefined): void {
    let answer: AuthenticationStep | Promise<AuthenticationStep> | undefined
    try {
      // A copy: the memory of the packet is lent, and the method may answer later.
      answer = this.#exchange?.step(data === undefined ? undefined : Uint8Array.from(data))
    } catch (error) {
      this.failed(error)
    }
    if (answer === undefined) return
    if (answer instanceof Promise) {
      awaitAnswer(this.#client, answer, this)
      return
    }
    try {
      this.take(answer)
    } catch (error) {
      this.failed(error)
    }
  }

  /** Follows the method's answer to a step. */
  take(step: AuthenticationStep): void {
    if (this.#client.phase === Phase.Ended) return
    switch (step.result) {
      case 'continue':
        this.#challenge(step.data)
        break
      case 'success':
        if (!this.#isKnown(step.userName)) {
          this.#refuse(
            ReasonCode.NotAuthorized,
            'its authentication method was replaced meanwhile, and does not know the user',
          )
          break
        }
        this.#exchange = undefined
        this.#succeeded(step.userName, step.data)
        break
      case 'failure':
        this.#client.connection.noteFailedAuthentication()
        this.#refuse(step.reasonCode, `authentication failed: ${step.why}`)
    }
  }

  /** A method that a reset has put in the place of the one that began the exchange may have other users. */
  #isKnown(userName: string): boolean {
    const method = this.#client.handler.authenticationMethods.get(this.method)
    return method === this.#method || (method !== undefined && method.knows?.(userName) !== false)
  }

  /** @param data for the packet that says so. */
  #succeeded(userName: string, data: Uint8Array | undefined): void {
    const request = this.#request
    if (request === undefined) {
      this.#reauthenticated(userName, data)
      return
    }
    this.#request = undefined
    this.#client.owner = userName
    const { clientId, peer } = this.#client.identity
    this.#client.identity = Object.freeze({ clientId, userName, peer })
    accept(this.#client, request, data)
  }

  #reauthenticated(userName: string, data: Uint8Array | undefined): void {
    const client = this.#client
    if (userName !== client.owner) {
      client.disconnect(ReasonCode.NotAuthorized, 'client authenticated again as another user')
      return
    }
    const authenticationData = data === undefined ? {} : { authenticationData: Buffer.from(data) }
    const answer: IAuthPacket = {
      cmd: 'auth',
      reasonCode: ReasonCode.Success,
      properties: { authenticationMethod: this.method, ...authenticationData },
    }
    if (takes(client, answer)) client.send(answer)
    else client.disconnect(ReasonCode.PacketTooLarge, AUTH_TOO_LARGE)
  }

  /** [MQTT-4.12.0-2] */
  #challenge(data: Uint8Array): void {
    const challenge: IAuthPacket = {
      cmd: 'auth',
      reasonCode: ReasonCode.ContinueAuthentication,
      properties: { authenticationMethod: this.method, authenticationData: Buffer.from(data) },
    }
    if (takes(this.#client, challenge)) this.#client.send(challenge)
    else this.#refuse(ReasonCode.PacketTooLarge, AUTH_TOO_LARGE)
  }

  /** The method threw, its promise was rejected, or it did not answer in time. */
  failed(error: unknown): void {
    if (this.#client.phase === Phase.Ended) return
    const details = { ...clientFields(this.#client), method: this.method, err: error }
    this.#client.handler.log.error(details, 'An authentication method failed')
    this.#refuse(ReasonCode.UnspecifiedError, 'the authentication method failed')
  }

  #refuse(reasonCode: ReasonCode, why: string): void {
    this.#exchange = undefined
    // The client does not learn why it failed: it may be any peer.
    if (this.#client.phase === Phase.Connected)
      this.#client.disconnect(reasonCode, why, { reasonString: '' }) // [MQTT-4.12.1-2]
    else refuse(this.#client, reasonCode, why, '') // [MQTT-4.12.0-4]
  }
}
