import type { QoS } from 'mqtt-packet'
import { kind } from '../system/kind.ts'
import type { Peer } from './peer.ts'

/** The client whose action is checked. */
export interface Identity {
  readonly clientId: string
  /**
   * The user that authentication found, else the User Name of the CONNECT packet, which is not verified. Undefined if there is
   * none.
   */
  readonly userName: string | undefined
  /** The peer of its connection. For a stored session: the peer of its last connection. */
  readonly peer: Peer
}

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
