import type { IPublishPacket } from 'mqtt-packet'
import { kind } from '../system/kind.ts'

/** Who receives published messages: a session. Compared by identity. */
export interface Subscriber {
  /** Takes a message, once for each publish however many of the subscriber's filters match. Must not throw. */
  deliver(message: IPublishPacket): void
}

/**
 * Decides who receives a message. Subscribers may live in other processes: nobody but the router knows who they are.
 */
export interface Router {
  /** Adds a subscription; again with the same filter, it replaces the earlier one. @param filter a valid Topic Filter. */
  subscribe(filter: string, subscriber: Subscriber): void
  /** Ends a subscription. @returns false when there was none. */
  unsubscribe(filter: string, subscriber: Subscriber): boolean
  /** Passes the message to every subscriber of this process before it returns. @param message with a valid Topic Name. */
  publish(message: IPublishPacket): void
  /** Subscriptions held for subscribers of this process. */
  readonly subscriptions: number
}

/** Unique: two routers would split the broker into halves that do not hear each other. */
export const Router = kind<Router>()('Router', { unique: true })
