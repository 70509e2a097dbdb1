import type { QoS } from 'mqtt-packet'
import { kind } from '../system/kind.ts'
import type { Identity } from './identity.ts'

export type { Identity } from './identity.ts'

/** `pass`: this authorizer has no rule about it, and the next one is asked. */
export type Decision = 'allow' | 'deny' | 'pass'

/**
 * Decides what clients may do. The broker asks the authorizers in their order; the first that allows or denies decides. If all of
 * them pass, the action is denied. Publishing, Wills, subscribing and delivering are each checked at one place. An authorizer answers
 * at once and never throws.
 */
export interface Authorizer {
  /**
   * Asked for every PUBLISH packet (once for a run of equal packets), and for a Will when it is announced and when it is
   * published.
   */
  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): Decision
  /** @param filter without `$share/{ShareName}/`. */
  maySubscribe(identity: Identity, filter: string, qos: QoS): Decision
  /**
   * Asked before a message, a retained one too, is delivered, likewise; left out if it has no rule about receiving. If it is left
   * out and another authorizer has it, or if the rules may change, `maySubscribe` is asked about the topic instead.
   */
  mayReceive?(identity: Identity, topic: string): Decision
  /** Units of work (`Payer.chargeWork`) that `maySubscribe` costs at most; left out if a few. */
  subscribeUnits?(identity: Identity, filter: string): number
  /**
   * Adds a function that is called when the rules have changed. The broker then asks again about every subscription, and ends
   * those that are no longer allowed.
   * @returns removes it.
   */
  onChange?(listener: () => void): () => void
}

export const Authorizer = kind<Authorizer>()('Authorizer', { stateless: true })
