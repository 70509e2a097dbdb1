import type { IAuthPacket } from 'mqtt-packet'
import type {
  AuthenticationExchange,
  AuthenticationMethod,
  AuthenticationStep,
} from '../../src/kinds/authentication-method.ts'
import { ReasonCode } from '../../src/mqtt/reason-code.ts'
import type { Client } from './client.ts'
import { clientFields } from './client-log.ts'
import { AUTH_TOO_LARGE, takes } from './packet-size.ts'
import { Phase } from './phase.ts'
import { Pause } from './reading.ts'
import { refuse } from './refuse.ts'

/** What follows once the client has proved who it is. @param data for the packet that says so. */
type Proceed = (userName: string, data: Uint8Array | undefined) => void

/** The enhanced authentication of one client (section 4.12): at its CONNECT, and again whenever it likes. */
export class Authentication {
  readonly #client: Client
  readonly #method: AuthenticationMethod
  #exchange: AuthenticationExchange | undefined
  #proceed: Proceed = () => undefined

  constructor(client: Client, method: AuthenticationMethod) {
    this.#client = client
    this.#method = method
  }

  /** The name of the method, which every AUTH packet repeats [MQTT-4.12.0-5]. */
  get method(): string {
    return this.#method.name
  }

  /** Whether AUTH packets go back and forth. */
  get underWay(): boolean {
    return this.#exchange !== undefined
  }

  /** Begins an exchange. @param data of the packet that asked for it. @param proceed called if the client succeeds. */
  begin(data: Uint8Array | undefined, proceed: Proceed): void {
    this.#proceed = proceed
    try {
      this.#exchange = this.#method.begin(this.#client.identity)
    } catch (error) {
      this.#failed(error)
      return
    }
    this.step(data)
  }

  /** Takes the next packet of the exchange. Nothing more is read from the client until the method has answered. */
  step(data: Uint8Array | undefined): void {
    let answer: AuthenticationStep | Promise<AuthenticationStep> | undefined
    try {
      // Its own memory: the packet's is lent, and a method may take its time.
      answer = this.#exchange?.step(data === undefined ? undefined : Uint8Array.from(data))
    } catch (error) {
      this.#failed(error)
    }
    if (answer === undefined) return
    if (!(answer instanceof Promise)) {
      this.#take(answer)
      return
    }
    this.#client.reading.pause(Pause.Authentication)
    // A connection that is not read does not even notice its end.
    const { connectDeadlineMs } = this.#client.handler.config
    const late = () => this.#failed(new Error(`no answer within connectDeadlineMs, ${connectDeadlineMs} ms`))
    const deadline = setTimeout(late, connectDeadlineMs).unref()
    answer
      .then(
        (step) => this.#take(step),
        (error: unknown) => this.#failed(error),
      )
      .finally(() => {
        clearTimeout(deadline)
        this.#client.reading.resume(Pause.Authentication)
      })
  }

  /** Never throws: it may be called by nobody, in a turn of its own, where an error would end the process. */
  #take(step: AuthenticationStep): void {
    if (this.#client.phase === Phase.Ended) return
    try {
      this.#follow(step)
    } catch (error) {
      this.#failed(error)
    }
  }

  #follow(step: AuthenticationStep): void {
    switch (step.result) {
      case 'continue':
        this.#challenge(step.data)
        break
      case 'success':
        this.#exchange = undefined
        this.#proceed(step.userName, step.data)
        break
      case 'failure':
        this.#refuse(step.reasonCode, `authentication failed: ${step.why}`)
    }
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

  #failed(error: unknown): void {
    if (this.#client.phase === Phase.Ended) return
    const details = { ...clientFields(this.#client), method: this.method, err: error }
    this.#client.handler.log.error(details, 'An authentication method failed')
    this.#refuse(ReasonCode.UnspecifiedError, 'the authentication method failed')
  }

  #refuse(reasonCode: ReasonCode, why: string): void {
    this.#exchange = undefined
    // Why it failed is not for the client, who may be anybody.
    if (this.#client.phase === Phase.Connected)
      this.#client.disconnect(reasonCode, why, '') // [MQTT-4.12.1-2]
    else refuse(this.#client, reasonCode, why, '') // [MQTT-4.12.0-4]
  }
}
