import { kind } from '../system/kind.ts'

/** Sends events of clients and messages to a service over HTTP, for operators. */
export interface Webhook {
  /** The name of the component. */
  readonly name: string
  /** Where the events go: `https://hooks.example`. */
  readonly target: string
  /** Events that wait to be sent. */
  readonly queued: number
  /** Whether the last request failed. */
  readonly failing: boolean
  /** Why the last request failed; undefined while none did. */
  readonly lastFailure: string | undefined
}

export const Webhook = kind<Webhook>()('Webhook')
