import type { QoS } from 'mqtt-packet'

/** A subscription as a client asked for it and as it was granted (section 3.8). */
export interface Subscription {
  /** As it was sent: `$share/{ShareName}/{filter}` for a Shared Subscription. Unique within a session. */
  readonly filter: string
  /** The Maximum QoS granted. */
  readonly qos: QoS
  /** No Local: messages that the client itself published are not sent to it [MQTT-3.8.3-3]. */
  readonly noLocal: boolean
  /** RETAIN goes out as it came in [MQTT-3.3.1-13]. */
  readonly retainAsPublished: boolean
  /** Subscription Identifier; 0 is none. */
  readonly identifier: number
}

/** The two parts of a Shared Subscription's filter (section 4.8.2). */
export interface SharedFilter {
  readonly shareName: string
  readonly filter: string
}

/** Splits `$share/{ShareName}/{filter}`. @param filter a legal Topic Filter. @returns undefined when it is not shared. */
export const sharedFilter = (filter: string): SharedFilter | undefined => {
  if (!filter.startsWith(PREFIX)) return undefined
  const end = filter.indexOf('/', PREFIX.length)
  return { shareName: filter.slice(PREFIX.length, end), filter: filter.slice(end + 1) }
}

const PREFIX = '$share/'
