/** Message Expiry Interval (section 3.3.2.3.3): how long a message may wait for a subscriber, from when it was published. */

/**
 * When a message expires, in milliseconds on the clock of `Message.expiresAtMs`.
 * @param intervalSeconds Message Expiry Interval; less than 0 for none. @returns Infinity when it never expires.
 */
export const expiryOf = (intervalSeconds: number, nowMs: number): number =>
  intervalSeconds < 0 ? Number.POSITIVE_INFINITY : nowMs + intervalSeconds * 1000

/** The Message Expiry Interval of a message as it is sent on: what is left, in seconds [MQTT-3.3.2-6]. */
export const intervalLeft = (expiresAtMs: number, nowMs: number): number =>
  Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1000))
