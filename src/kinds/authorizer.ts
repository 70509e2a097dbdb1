import type { QoS } from 'mqtt-packet'
import { kind } from '../system/kind.ts'
import type { Identity } from './identity.ts'

export type { Identity } from './identity.ts'

/**
 * Says what clients may do. Publishing, Wills, subscribing and delivering each pass one place that asks it. It answers at
 * once, never throws, and what it does not allow does not happen.
 */
export interface Authorizer {
  /**
   * Asked for every PUBLISH, but once for several alike that come together, and for a Will when it is announced and again
   * when it is published.
   */
  mayPublish(identity: Identity, topic: string, qos: QoS, retain: boolean): boolean
  /** @param filter without `$share/{ShareName}/`. */
  maySubscribe(identity: Identity, filter: string): boolean
  /** Asked before a message, a retained one too, is delivered, likewise; left out if every subscriber may receive. */
  mayReceive?(identity: Identity, topic: string): boolean
}

export const Authorizer = kind<Authorizer>()('Authorizer')
