import type { QoS } from 'mqtt-packet'
import { kind } from '../system/kind.ts'
import type { Identity } from './identity.ts'

export type { Identity } from './identity.ts'

/**
 * Decides what clients may do. It is asked for publishing, Wills, subscribing and delivering. It answers at once and never
 * throws. An action that it does not allow is refused.
 */
export interface Authorizer {
  /**
   * Asked for every PUBLISH packet (once for a run of equal packets), and for a Will when it is announced and when it is
   * published.
   */
  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): boolean
  /** @param filter without `$share/{ShareName}/`. */
  maySubscribe(identity: Identity, filter: string): boolean
  /** Asked before a message is delivered, including retained messages. Optional: without it every subscriber may receive. */
  mayReceive?(identity: Identity, topic: string): boolean
}

export const Authorizer = kind<Authorizer>()('Authorizer')
